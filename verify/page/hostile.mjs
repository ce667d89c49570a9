// Events, messages and objects that try to become markup, script, a request or a file.

const run = "window.pwned=1";
const big = "x".repeat(1000 * 1000);

// ids are event ids; each is a hostile event. The texts of the rest of an event are as hostile.
export const ids = [
  `<script>${run}</script>`, `</script><script>${run}</script>`, `<img src=x onerror=${run}>`, `<svg/onload=${run}>`,
  `"><img src=x onerror=${run}>`, `' onmouseover='${run}`, `" autofocus onfocus="${run}`, "`${" + run + "}`",
  `{{constructor.constructor('${run}')()}}`, "${" + run + "}", `<%= ${run} %>`, `#{${run}}`, `javascript:${run}`,
  `<a href="javascript:${run}">x</a>`, `<iframe srcdoc="<script>parent.${run}</script>"></iframe>`,
  `<base href="//evil.example/">`, `<link rel=stylesheet href=//evil.example/x.css>`, `<style>*{display:none}</style>`,
  `<meta http-equiv=refresh content="0;url=//evil.example">`, `<form action=//evil.example><button>x</form>`,
  `<!--`, `]]>`, `</textarea></title></style>`, `&lt;script&gt;`, "\u202egnp.exe\u2066", "\u0000\u0007\u001b[31mred\u009b2J",
  "\u2028\u2029\ufeff\u200b", "../../../../etc/passwd", "C:\\con\\..\\x.parquet", `file.html?x=<script>${run}</script>#'"`,
  "__proto__", "constructor", "<math><mtext><style><img src=x onerror=" + run + ">", "\ud800",
];

const escape = (text) => JSON.stringify(text);

// events are the records: whole ones, and broken ones, which become dead letters. Keys are as hostile as values.
export const events = ids.flatMap((id) => [
  `{"event_id":${escape(id)},"event_type":${escape(id)},"user_id":${escape(id)},"brand":${escape(id)},${escape(id)}:1}`,
  `{"event_id":${escape(id)},"brand":${escape(id)},"amount":${id}`,
]).concat([
  `{"event_id":"big","brand":"${big}"}`, `{"event_id":"big broken","brand":"${big}",`,
  `{"event_id":"deep","x":${"[".repeat(1200)}`, `\u0000\u001b]0;title\u0007<img src=x onerror=${run}>`,
]);

// visible are the ids that the page must show as they are: those without characters that it escapes.
export const visible = ids.filter((id) => /^[\x20-\x7e]*$/.test(id));

// sendMessage sends a message of a foreign client to the dead-letter queue, hostile in its attributes, too.
export async function sendMessage(run_) {
  const evil = ids[2];
  const attribute = (text) => ({ DataType: "String", StringValue: text });
  const queue = /--queue-url (\S+)/.exec(run_.said())[1];
  const answer = await fetch(run_.api, { method: "POST", headers: { "X-Amz-Target": "AmazonSQS.SendMessage",
    "Content-Type": "application/x-amz-json-1.0" }, body: JSON.stringify({ QueueUrl: queue, MessageBody: evil,
    MessageAttributes: { kind: attribute("record"), stream: attribute(evil), stage: attribute(ids[4]),
      reason: attribute(ids[1]) } }) });
  if (!answer.ok) throw new Error(`sending a message: ${await answer.text()}`);
}

// putObject puts an object with a hostile key and content to the lake.
export async function putObject(run_) {
  const bucket = /s3:\/\/(\S+)/.exec(run_.said())[1];
  const key = `transformed-data/<img src=x onerror=${run}>"'&.html`;
  const answer = await fetch(`${run_.api}/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`,
    { method: "PUT", body: `<script>${run}</script>\n` });
  if (!answer.ok) throw new Error(`putting an object: ${await answer.text()}`);
}

// findInjected looks for elements, attributes and effects that are not the page's own.
export function findInjected() {
  const found = [];
  const tags = new Set(("A BODY BR BUTTON CAPTION CODE DD DETAILS DIV DL DT FOOTER FORM H1 H2 H3 HEADER I INPUT LABEL LI MAIN " +
    "MARK NOSCRIPT OL OPTION P PRE PATH SCRIPT SECTION SELECT SMALL SPAN SUMMARY SVG TABLE TBODY TD TH THEAD TR B").split(" "));
  const attributes = /^(aria-[a-z]+|class|id|role|tabindex|type|scope|colspan|hidden|for|name|value|data-place|d|open|start|href|src|defer|autocomplete|spellcheck|maxlength|style|focusable)$/;
  for (const element of document.body.querySelectorAll("*")) {
    if (!tags.has(element.tagName.toUpperCase())) found.push(`element ${element.tagName}`);
    for (const { name, value } of element.attributes) {
      if (!attributes.test(name)) found.push(`attribute ${name} of ${element.tagName}`);
      if (name === "href" && value !== "#main") found.push(`link to ${value}`);
      if (name === "src" && value !== "/page.js") found.push(`source ${value}`);
      if (name === "style" && !/^--part: [0-9.e-]+;$/.test(value)) found.push(`style ${value}`);
    }
  }
  if (document.querySelectorAll("script").length !== 2) found.push("another script");
  if (document.querySelectorAll("form").length !== 1) found.push("another form");
  if (window.pwned !== undefined) found.push("a script ran");
  if (Object.prototype.pwned !== undefined || {}.event_id !== undefined) found.push("a prototype was changed");
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/.exec(
    [...document.body.querySelectorAll(":not(script)")].map((element) => [...element.childNodes]
      .filter((node) => node.nodeType === 3).map((node) => node.data).join("")).join(""));
  if (hidden) found.push(`the character ${hidden[0].codePointAt(0).toString(16)}`);
  return found;
}
