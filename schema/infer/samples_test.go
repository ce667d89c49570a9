package infer

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"firehose-pipeline/schema"
)

var update = flag.Bool("update", false, "make the events of testdata/samples anew")

const (
	sampleFolder = "../../testdata/samples"
	sampleEvents = 200
)

// generator makes the values of sample events. They depend on the seed alone.
type generator struct{ *rand.Rand }

func (g generator) oneOf(values ...string) string { return values[g.IntN(len(values))] }
func (g generator) chance(percent int) bool       { return g.IntN(100) < percent }

// uuid returns a UUID of version 4.
func (g generator) uuid() string {
	a, b := g.Uint64(), g.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xFFFF, a&0xFFF, b>>48&0x3FFF|0x8000,
		b&0xFFFFFFFFFFFF)
}

// address returns an IP address for documentation (RFC 5737).
func (g generator) address() string {
	return fmt.Sprintf("%s.%d", g.oneOf("192.0.2", "198.51.100", "203.0.113"), 1+g.IntN(254))
}

// decimal returns a number with so many decimals.
func (g generator) decimal(from, to float64, decimals int) json.Number {
	return json.Number(strconv.FormatFloat(from+g.Float64()*(to-from), 'f', decimals, 64))
}

// sampleStart is when the first sample event happens.
var sampleStart = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

// ordered is a JSON object whose members have an order.
type ordered []any // key, value, key, value, …

func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := 0; i < len(o); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:", quoteJSON(o[i].(string)))
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(o[i+1]); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// with appends a member.
func (o ordered) with(key string, value any) ordered { return append(o, key, value) }

func (g generator) track(i int) any {
	at := sampleStart.Add(time.Duration(i)*7*time.Second + time.Duration(g.IntN(1000))*time.Millisecond)
	name := g.oneOf("Page Viewed", "Page Viewed", "Product Viewed", "Product Viewed", "Products Searched",
		"Product Added",
		"Product Removed", "Checkout Started", "Order Completed")
	kind, path := "track", "/products/"+strconv.Itoa(100+g.IntN(40))
	switch name {
	case "Page Viewed":
		kind, path = "page", g.oneOf("/", "/about", "/sale", "/garden/chairs")
	case "Products Searched":
		path = "/search"
	case "Checkout Started", "Order Completed":
		path = "/checkout"
	}
	event := ordered{"messageId", "msg-" + g.uuid(), "type", kind, "event", name, "anonymousId", g.uuid()}
	if g.chance(40) {
		event = event.with("userId", fmt.Sprintf("u%05d", g.IntN(400)))
	} else if g.chance(70) {
		event = event.with("userId", nil)
	}
	event = event.with("timestamp", at.Format("2006-01-02T15:04:05.000Z07:00")).
		with("sentAt", at.Add(time.Duration(g.IntN(900))*time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00"))
	context := ordered{"ip", g.address(), "locale", g.oneOf("en-US", "de-DE", "pt-BR", "ja-JP"), "userAgent",
		"Mozilla/5.0 (example)",
		"library", ordered{"name", "analytics.js", "version", g.oneOf("4.1.0", "4.1.1", "4.2.0")},
		"page", ordered{"path", path, "referrer", g.oneOf("", "https://search.example.com/",
			"https://www.example.org/blog"),
			"title", g.oneOf("Example shop", "Garden – Example shop", "Sale – Example shop"), "url",
			"https://shop.example.com" + path}}
	if g.chance(25) {
		context = context.with("campaign", ordered{"name", g.oneOf("spring", "newsletter"), "source",
			g.oneOf("mail", "ads"), "medium", "link"})
	}
	if g.chance(80) {
		context = context.with("screen", ordered{"width", []int{390, 1440, 1920}[g.IntN(3)], "height",
			[]int{844, 900, 1080}[g.IntN(3)],
			"density", json.Number(g.oneOf("1", "1.5", "2"))})
	}
	event = event.with("context", context).with("properties", g.trackProperties(name))
	if g.chance(30) {
		event = event.with("integrations", ordered{"All", true, g.oneOf("Warehouse", "Mail", "Ads"), g.chance(50)})
	}
	return event
}

func (g generator) trackProperties(event string) ordered {
	product := func() ordered {
		p := ordered{"product_id", fmt.Sprintf("p%d", 100+g.IntN(40)), "sku", fmt.Sprintf("%08d", g.IntN(1_000_000)),
			"name", g.oneOf("Garden chair", "Lamp “Arc”", "Tea pot", "Rug"), "category", g.oneOf("garden", "light",
				"kitchen", "living"),
			"price", g.decimal(5, 300, 2)}
		if event != "Product Viewed" {
			p = p.with("quantity", 1+g.IntN(4))
		}
		return p
	}
	switch event {
	case "Page Viewed":
		return ordered{}
	case "Products Searched":
		filters := []string{}
		for range g.IntN(3) {
			filters = append(filters, g.oneOf("in stock", "sale", "new", "price: low"))
		}
		return ordered{"query", g.oneOf("chair", "lamp", "tea", "größe"), "results", g.IntN(60), "filters", filters}
	case "Checkout Started", "Order Completed":
		products := []any{}
		for range 1 + g.IntN(3) {
			products = append(products, product())
		}
		o := ordered{"order_id", fmt.Sprintf("o-%06d", g.IntN(1_000_000)), "revenue", g.decimal(5, 900, 2), "currency",
			g.oneOf("EUR", "USD")}
		if g.chance(50) {
			o = o.with("coupon", g.oneOf("SPRING", "WELCOME"))
		} else {
			o = o.with("coupon", nil)
		}
		return o.with("products", products)
	}
	return ordered{"currency", "EUR", "products", []any{product()}}
}

func (g generator) measure(i int) any {
	device, at := fmt.Sprintf("%06d", 4200+g.IntN(20)), sampleStart.Add(time.Duration(i)*3*time.Second)
	kind := "telemetry"
	if g.chance(5) {
		kind = "heartbeat"
	} else if g.chance(8) {
		kind = "alarm"
	}
	event := ordered{"messageId", fmt.Sprintf("%s-%d", device, 90_000+i), "messageType", kind, "deviceId", device,
		"ts", at.UnixMilli() + int64(g.IntN(1000)), "seq", 90_000 + i, "firmwareVersion", g.oneOf("2.7.0", "2.7.1",
			"3.0.0-rc1")}
	if kind == "heartbeat" {
		return event
	}
	reading := ordered{"tempC", g.decimal(-12, 41, 1)}
	if g.chance(90) {
		reading = reading.with("humidityPct", g.decimal(20, 99, 0)).with("pressureHPa", g.decimal(970, 1040, 2))
	}
	if g.chance(60) {
		reading = reading.with("vibration", []any{g.decimal(-1, 1, 3), g.decimal(-1, 1, 3), g.decimal(9, 10, 3)})
	}
	event = event.with("reading", reading)
	if g.chance(80) {
		position := ordered{"lat", g.decimal(46, 54, 5), "lon", g.decimal(6, 15, 5), "altM", g.decimal(0, 900, 0),
			"fixQuality", "3d"}
		if g.chance(20) {
			position[5], position[7] = nil, "2d"
		}
		event = event.with("gpsPosition", position)
	} else {
		event = event.with("gpsPosition", nil)
	}
	alarms := []string{}
	if kind == "alarm" {
		alarms = append(alarms, g.oneOf("LOW_BATTERY", "TILT"), "TEMP_HIGH")
	}
	event = event.with("batteryMv", 3200+g.IntN(900)).with("charging", g.chance(30)).with("alarms", alarms).
		with("calibratedOn", sampleStart.AddDate(0, 0, -g.IntN(400)).Format(time.DateOnly))
	if g.chance(50) {
		counters := ordered{"boots", g.IntN(20)}
		for _, name := range []string{"rxErrors", "txRetries", "watchdog", "flashWrites"} {
			if g.chance(40) {
				counters = counters.with(name, g.IntN(5000))
			}
		}
		event = event.with("counters", counters)
	}
	return event
}

func (g generator) audit(i int) any {
	at := sampleStart.Add(time.Duration(i)*11*time.Second + time.Duration(g.IntN(1000))*time.Millisecond)
	cluster := g.chance(40)
	event := ordered{"@timestamp", at.Format("2006-01-02T15:04:05.000Z"), "request-id", g.uuid(), "eventVersion",
		g.oneOf("1.10", "1.11")}
	source, name, read := "storage.example.com", g.oneOf("GetObject", "PutObject", "DeleteObject", "ListObjects"), false
	if cluster {
		source, name = "cluster.example.com", g.oneOf("get", "list", "create", "delete")
	}
	switch name {
	case "GetObject", "ListObjects", "get", "list":
		read = true
	}
	event = event.with("eventSource", source).with("eventName", name).with("event.category",
		g.oneOf("Data", "Management")).
		with("region", g.oneOf("eu-central-1", "us-east-1")).with("sourceIPAddress", g.address()).
		with("user-agent", g.oneOf("example-cli/2.1", "console.example.com", "controller/1.30")).with("userIdentity",
		g.identity(at))
	if cluster {
		event = g.clusterRequest(event)
	} else {
		key := fmt.Sprintf("reports/2026/%02d/%04d.csv", 1+g.IntN(12), g.IntN(500))
		parameters := ordered{"bucketName", "example-reports", "key", key}
		if name == "ListObjects" {
			parameters = ordered{"bucketName", "example-reports", "maxKeys", 100, "prefix", []string{"reports/"}}
		} else if g.chance(20) {
			parameters = parameters.with("x-retry", g.oneOf("1", "2")).with("maxKeys", "all")
		}
		event = event.with("resources", []any{
			ordered{"ARN", "arn:aws:s3:::example-reports/" + key, "type", "AWS::S3::Object"},
			ordered{"ARN", "arn:aws:s3:::example-reports", "type", "AWS::S3::Bucket"},
		}).with("requestParameters", parameters)
	}
	code, problem := 200, any(nil)
	if g.chance(12) {
		code, problem = 403, "AccessDenied"
	} else if g.chance(5) {
		code, problem = 404, "NotFound"
	}
	event = event.with("responseStatus", ordered{"code", code}).with("error-code", problem).with("readOnly", read)
	if g.chance(70) {
		event = event.with("retention-until", at.AddDate(7, 0, g.IntN(3)).Format(time.DateOnly))
	}
	return event
}

func (g generator) clusterRequest(event ordered) ordered {
	app := g.oneOf("web", "billing", "search")
	event = event.with("objectRef", ordered{"resource", g.oneOf("pods", "configmaps", "deployments"), "namespace",
		g.oneOf("default", "shop"),
		"name", app + "-" + strconv.Itoa(g.IntN(5)), "apiVersion", "v1"})
	labels := ordered{"app.kubernetes.io/name", app}
	for _, label := range [][2]string{{"tier", g.oneOf("front", "back")}, {"team", g.oneOf("a", "b")},
		{"release", "2026.3"}} {
		if g.chance(50) {
			labels = labels.with(label[0], label[1])
		}
	}
	annotations := ordered{"authorization.example.com/decision", g.oneOf("allow", "allow", "forbid")}
	if g.chance(60) {
		annotations = annotations.with("authorization.example.com/reason", g.oneOf("bound to the role view",
			"bound to the role edit"))
	}
	return event.with("labels", labels).with("annotations", annotations).with("requestParameters",
		ordered{"dryRun", g.chance(10)})
}

func (g generator) identity(at time.Time) ordered {
	const account = "012345678901"
	switch kind := g.oneOf("AssumedRole", "AssumedRole", "IAMUser", "ServiceAccount", "Root"); kind {
	case "AssumedRole":
		role := g.oneOf("Analyst", "Deployer")
		return ordered{"type", kind, "principalId", "AROAEXAMPLE:" + role, "accountId", account,
			"arn", "arn:aws:sts::" + account + ":assumed-role/" + role + "/session", "sessionContext", ordered{
				"attributes", ordered{"mfaAuthenticated", g.oneOf("true", "false"),
					"creationDate", at.Add(-time.Duration(g.IntN(3600)) * time.Second).Format(time.RFC3339)},
				"sessionIssuer", ordered{"type", "Role", "arn", "arn:aws:iam::" + account + ":role/" + role, "userName",
					role},
			}}
	case "IAMUser":
		name := g.oneOf("user-one", "user-two", "user-three")
		return ordered{"type", kind, "principalId", "AIDAEXAMPLE", "accountId", account, "arn", "arn:aws:iam::" +
			account + ":user/" + name,
			"userName", name}
	case "ServiceAccount":
		return ordered{"type", kind, "principalId", "system:serviceaccount:shop:controller", "accountId", account}
	default:
		return ordered{"type", kind, "principalId", account, "accountId", account, "arn", "arn:aws:iam::" + account +
			":root"}
	}
}

// samples are the folders of testdata/samples. Differs are fields for which the schema by hand declares another type
// than events alone can tell.
var samples = []struct {
	name    string
	event   func(g generator, i int) any
	id      string
	kind    string
	differs []string
}{
	{"web-analytics", generator.track, "messageId", "event", []string{
		"/integrations: Map by hand, Struct inferred",
	}},
	{"sensor", generator.measure, "messageId", "messageType", []string{
		"/ts: Timestamp by hand, BigInt inferred",
		"/reading/humidityPct: Double by hand, BigInt inferred",
		"/gpsPosition/altM: Double by hand, BigInt inferred",
		"/counters: Map by hand, Struct inferred",
	}},
	{"audit-log", generator.audit, "request-id", "eventName", []string{
		"/userIdentity/sessionContext/attributes/mfaAuthenticated: Boolean by hand, String inferred",
		"/requestParameters: not by hand",
	}},
}

func TestSamples(t *testing.T) {
	for seed, c := range samples {
		t.Run(c.name, func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(1, uint64(seed)))}
			var text []byte
			for i := range sampleEvents {
				line, err := json.Marshal(c.event(g, i))
				if err != nil {
					t.Fatal(err)
				}
				text = append(append(text, unescapeHTML(line)...), '\n')
			}
			path := filepath.Join(sampleFolder, c.name, "events.ndjson")
			if *update {
				if err := os.WriteFile(path, text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if committed, err := os.ReadFile(path); err != nil || !bytes.Equal(committed, text) {
				t.Errorf("%s is not what the generator makes (%v): run with -update", path, err)
			}
			byHand, err := schema.Load(filepath.Join(sampleFolder, c.name, schema.FileName))
			if err != nil {
				t.Fatal(err)
			}
			checkSample(t, byHand, text)
			checkTransform(t, byHand, strings.Split(strings.TrimSpace(string(text)), "\n"))

			result, err := FromObjects("", Objects(bytes.NewReader(text)))
			if err != nil || result.Report.Events != sampleEvents || result.Report.Broken != 0 {
				t.Fatalf("%v: %+v", err, result.Report)
			}
			checkResult(t, result, strings.Split(strings.TrimSpace(string(text)), "\n"))
			if result.Report.EventID != c.id || result.Report.EventType != c.kind {
				t.Errorf("id %q and type %q", result.Report.EventID, result.Report.EventType)
			}
			inferred, err := schema.Parse(result.Schema)
			if err != nil {
				t.Fatal(err)
			}
			if got := differences(byHand.Fields, inferred.Fields, ""); !slices.Equal(got, c.differs) {
				t.Errorf("the inferred schema differs from that by hand:\n%s\n%s", strings.Join(got, "\n"),
					result.Schema)
			}
		})
	}
}

// unescapeHTML undoes json.Marshal's escapes for HTML, which it applies to what a MarshalJSON returns.
func unescapeHTML(text []byte) []byte {
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text)))
}

var kindsByName = [...]string{"", "String", "Timestamp", "Date", "Double", "BigInt", "Boolean", "Struct", "Map",
	"Array"}

// differences names the fields whose types differ.
func differences(byHand, inferred []*schema.Field, at string) (list []string) {
	for _, want := range byHand {
		place := at + "/" + want.Key
		i := slices.IndexFunc(inferred, func(f *schema.Field) bool { return f.Key == want.Key })
		if i < 0 {
			list = append(list, place+": not inferred")
			continue
		}
		list = append(list, typeDifferences(want.Declared, inferred[i].Declared, place)...)
	}
	for _, got := range inferred {
		if !slices.ContainsFunc(byHand, func(f *schema.Field) bool { return f.Key == got.Key }) {
			list = append(list, at+"/"+got.Key+": not by hand")
		}
	}
	return list
}

func typeDifferences(want, got *schema.Type, at string) []string {
	switch {
	case want.Kind != got.Kind:
		return []string{fmt.Sprintf("%s: %s by hand, %s inferred", at, kindsByName[want.Kind], kindsByName[got.Kind])}
	case want.Elem != nil:
		return typeDifferences(want.Elem, got.Elem, at+"/*")
	}
	return differences(want.Fields, got.Fields, at)
}

// checkSample checks that events conform to a schema by hand, with the conversions of the transform, and that every
// field of the schema comes in some event.
func checkSample(t *testing.T, s *schema.Schema, text []byte) {
	t.Helper()
	seen := map[*schema.Type]bool{}
	root := &schema.Type{Kind: schema.Struct, Fields: s.Fields, MaxLength: -1}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if err := checkType(root, value, seen); err != nil {
			t.Fatalf("line %d: %v\n%s", i+1, err, line)
		}
	}
	var visit func(fields []*schema.Field)
	visit = func(fields []*schema.Field) {
		for _, f := range fields {
			if !seen[f.Declared] {
				t.Errorf("%s is in no event", f.Pointer)
			}
			inner := f.Declared
			for inner.Elem != nil {
				inner = inner.Elem
			}
			visit(inner.Fields)
		}
	}
	visit(s.Fields)
}

func checkType(t *schema.Type, value any, seen map[*schema.Type]bool) error {
	if value == nil {
		return nil
	}
	seen[t] = true
	bad := func() error { return fmt.Errorf("%v is not %s", value, kindsByName[t.Kind]) }
	switch t.Kind {
	case schema.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			return bad()
		}
		for _, f := range t.Fields {
			member, has := object[f.Key]
			if !has && f.Required {
				return fmt.Errorf("%s is required", f.Pointer)
			}
			if err := checkType(f.Declared, member, seen); err != nil {
				return fmt.Errorf("%s: %w", f.Key, err)
			}
		}
		return nil
	case schema.Map:
		object, ok := value.(map[string]any)
		if !ok {
			return bad()
		}
		for _, member := range object {
			if err := checkType(t.Elem, member, seen); err != nil {
				return err
			}
		}
		return nil
	case schema.Array:
		array, ok := value.([]any)
		if !ok {
			return bad()
		}
		for _, element := range array {
			if err := checkType(t.Elem, element, seen); err != nil {
				return err
			}
		}
		return nil
	}
	text := fmt.Sprint(value)
	if t.Enum != nil && !slices.Contains(t.Enum, text) || t.MaxLength >= 0 &&
		utf8.RuneCountInString(text) > t.MaxLength {
		return fmt.Errorf("%q is outside of enum or maxLength", text)
	}
	var err error
	switch t.Kind {
	case schema.Timestamp:
		if number, ok := value.(json.Number); ok && len(number) != 13 || !ok && !anyTimestamp.MatchString(text) {
			return bad()
		}
	case schema.Date:
		_, err = time.Parse(time.DateOnly, text)
	case schema.Double:
		var x float64
		if x, err = strconv.ParseFloat(text, 64); t.Bounds.HasMin && x < t.Bounds.Min || t.Bounds.HasMax &&
			x > t.Bounds.Max {
			err = errors.New("outside of the bounds")
		}
	case schema.BigInt:
		var x int64
		if x, err = strconv.ParseInt(text, 10, 64); t.Bounds.HasMin && x < t.Bounds.MinInt || t.Bounds.HasMax &&
			x > t.Bounds.MaxInt {
			err = errors.New("outside of the bounds")
		}
	case schema.Boolean:
		_, err = strconv.ParseBool(text)
	}
	return err
}
