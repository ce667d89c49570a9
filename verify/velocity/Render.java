import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.Option;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders mapping templates with the Velocity of the class path. Each line of the standard input is a request id, a
 * template and a body, each line of the output the text, the status and the header Retry-After that the template set;
 * all in base64, with tabs between them.
 */
public final class Render {
  /** $input: body and path, as API Gateway's reference describes them. */
  public static final class Input {
    private static final Configuration QUIET =
        Configuration.defaultConfiguration().addOptions(Option.DEFAULT_PATH_LEAF_TO_NULL);
    private final String body;

    Input(String body) {
      this.body = body;
    }

    public String getBody() {
      return body;
    }

    public Object path(String path) {
      return JsonPath.using(QUIET).parse(body).read(path);
    }
  }

  /** $util: the one function that the templates use. */
  public static final class Util {
    public String base64Encode(String text) {
      return encode(text);
    }
  }

  private static String encode(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(String text) {
    return new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
  }

  public static void main(String[] arguments) throws Exception {
    VelocityEngine engine = new VelocityEngine();
    // API Gateway's quota for rounds of #foreach, in the words of both versions.
    engine.setProperty("directive.foreach.maxloops", "1000");
    engine.setProperty("directive.foreach.max_loops", "1000");
    engine.setProperty("parser.allow_hyphen_in_identifiers", "true"); // as in 1.7, for names of headers
    if (engine.getClass().getPackage().getImplementationVersion().startsWith("1.")) { // else it writes a file
      engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
    }
    engine.init();
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] fields = line.split("\t", -1);
      Map<String, Object> header = new HashMap<>();
      Map<String, Object> override = new HashMap<>();
      override.put("header", header);
      Map<String, Object> context = new HashMap<>();
      context.put("requestId", decode(fields[0]));
      context.put("responseOverride", override);
      VelocityContext variables = new VelocityContext();
      variables.put("input", new Input(decode(fields[2])));
      variables.put("util", new Util());
      variables.put("context", context);
      StringWriter text = new StringWriter();
      if (!engine.evaluate(variables, text, "template", decode(fields[1]))) {
        throw new IllegalStateException("the template was not rendered");
      }
      out.println(encode(text.toString()) + "\t" + encode(String.valueOf(override.getOrDefault("status", "")))
          + "\t" + encode(String.valueOf(header.getOrDefault("Retry-After", ""))));
    }
    out.flush();
  }
}
