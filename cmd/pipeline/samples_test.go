package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/internal/parquetrows"
	"firehose-pipeline/local/results"
	"firehose-pipeline/schema"
)

// samples are the schemas of testdata/samples and of the shop, with a row of the lake that the first event becomes, in part.
var samples = []struct {
	name, schema, events string
	count                int
	row                  string
}{
	{
		"web-analytics", "testdata/samples/web-analytics/event-schema.json", "testdata/samples/web-analytics/events.ndjson", 200,
		`{"message_id":"msg-b3980023-35b9-438c-8e32-528bbc6b0984","type":"page","timestamp":"2026-03-02T08:00:00.598Z",
		"context":{"locale":"ja-JP","user_agent":"Mozilla/5.0 (example)","library":{"name":"analytics.js","version":"4.2.0"},
			"page":{"path":"/","referrer":"","title":"Sale – Example shop","url":"https://shop.example.com/"},"campaign":null,"screen":null},
		"properties":{"order_id":null,"revenue":null,"currency":null,"coupon":null,"query":null,"results":null,"filters":null,"products":null},
		"integrations":{"Ads":false,"All":true},"processing_status":"SUCCESS","visitor":"known","funnel_step":"browse","source":"web",
		"malformed":null}`,
	},
	{
		"sensor", "testdata/samples/sensor/event-schema.json", "testdata/samples/sensor/events.ndjson", 200,
		`{"message_id":"004219-90000","device_id":"004219","measured_at":"2026-03-02T08:00:00.912Z","seq":90000,
		"reading":{"temp_c":38.5,"humidity_pct":82,"pressure_hpa":1011.08,"vibration":[-0.53,-0.008,9.08]},
		"gps_position":{"lat":51.08388,"lon":10.94071,"alt_m":null,"fix_quality":"2d"},"battery_mv":3524,"charging":true,"alarms":[],
		"calibrated_on":20403,"counters":null,"battery_state":"low","has_position":true,"on_mains":true,"data_quality_score":100,
		"schema_version":2,"malformed":null}`,
	},
	{
		"audit-log", "testdata/samples/audit-log/event-schema.json", "testdata/samples/audit-log/events.ndjson", 200,
		`{"timestamp":"2026-03-02T08:00:00.769Z","request_id":"c8d04605-312f-4088-8bed-c0dcb63ac19a","event_category":"Management",
		"source_ip_address":"REDACTED","user_agent":"console.example.com","object_ref":null,"labels":null,"annotations":null,
		"resources":[{"resource_arn":"arn:aws:s3:::example-reports/reports/2026/02/0198.csv","type":"AWS::S3::Object"},
			{"resource_arn":"arn:aws:s3:::example-reports","type":"AWS::S3::Bucket"}],"response_status":{"code":200},"error_code":null,
		"read_only":true,"retention_until":23071,"outcome":"success","access":"read","identity":"person","data_quality_score":100,
		"malformed":null}`,
	},
	{shopSample, shopFile, "testdata/store-events.ndjson", 500, `{"malformed":null,"processing_status":"SUCCESS"}`},
}

const shopSample = "shop"

// TestSamples runs events of each schema through the pipeline that the schema synthesises: every one is in both stores, and each row of
// the lake says the same as the document.
func TestSamples(t *testing.T) {
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range samples {
		t.Run(sample.name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("synthesises a stack")
			}
			s, err := schema.Load(filepath.Join(root, sample.schema))
			if err != nil {
				t.Fatal(err)
			}
			template := buildStack(t).template
			if sample.name != shopSample {
				template = synthesiseSample(t, root, sample.schema)
			}
			out := filepath.Join(t.TempDir(), "out")
			stdout, _ := command(t, 0, nil, "local", "--template", template, "--project", root, "--events", filepath.Join(root, sample.events),
				"--out", out, "--check")
			if want := fmt.Sprintf("check: %s put, each one where it had to end, once", count(int64(2*sample.count), "record")); !strings.Contains(stdout, want) ||
				!strings.Contains(stdout, "dead letters: 0\n") {
				t.Fatalf("want %q without dead letters: %s", want, stdout)
			}
			rows, documents := readRows(t, out), readDocuments(t, out)
			if len(rows) != sample.count || len(documents) != sample.count {
				t.Fatalf("%d rows and %d documents of %d events", len(rows), len(documents), sample.count)
			}
			for i, row := range rows {
				for key, want := range rowOf(s, documents[i]) {
					if !reflect.DeepEqual(row[key], want) && key != "processed_timestamp" {
						t.Fatalf("event %d: %s is %v in the lake and %v in the index", i, key, row[key], want)
					}
				}
			}
			for key, want := range decodeJSON(t, sample.row) {
				if !reflect.DeepEqual(rows[0][key], want) {
					t.Errorf("%s: got %v, want %v", key, rows[0][key], want)
				}
			}
			checkFilled(t, s, rows)
		})
	}
}

// checkFilled checks that each column has a value in some row, but those for what no sample has.
func checkFilled(t *testing.T, s *schema.Schema, rows []map[string]any) {
	t.Helper()
	for _, c := range s.Columns() {
		filled := false
		for _, row := range rows {
			filled = filled || row[c.Name] != nil
		}
		if !filled && c.Name != schema.Malformed {
			t.Errorf("column %s is empty", c.Name)
		}
	}
}

// synthesiseSample writes the template of a schema, which drops no event type, and returns its path.
func synthesiseSample(t *testing.T, root, file string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	given := settings{"environment": "dev", "eventSchema": file, "dropEventTypes": "[]", "deadLetterRawData": "pointer"}
	result, err := synthesise(ctx, root, given, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), result.StackName+templateSuffix)
	if err := os.WriteFile(path, result.Template, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// parquetFiles are the lake's objects, in the order in which they were written.
func parquetFiles(t *testing.T, out string) []string {
	t.Helper()
	paths, err := listFiles(filepath.Join(out, results.ObjectsDir))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !strings.HasSuffix(path, ".parquet") })
}

// readRows reads the lake, in the order in which the events came; values are as JSON decodes them.
func readRows(t *testing.T, out string) (all []map[string]any) {
	t.Helper()
	for _, path := range parquetFiles(t, out) {
		rows, err := parquetrows.ReadFile(path, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			text, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, decodeJSON(t, string(text)))
		}
	}
	return all
}

func readDocuments(t *testing.T, out string) (all []map[string]any) {
	t.Helper()
	paths, err := listFiles(filepath.Join(out, results.IndicesDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			all = append(all, decodeJSON(t, string(line)))
		}
	}
	return all
}

func decodeJSON(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return object
}

// rowOf is the row that a document of the schema has in the lake.
func rowOf(s *schema.Schema, document map[string]any) map[string]any {
	row := structOf(s.Fields, document)
	for _, e := range s.Enrich {
		row[e.Name] = document[e.Name]
	}
	return row
}

func structOf(fields []*schema.Field, object map[string]any) map[string]any {
	row := map[string]any{}
	for _, f := range fields {
		if f.Column != "" {
			row[f.Column] = valueOf(f.Type, object[f.Key])
		}
	}
	return row
}

func valueOf(t *schema.Type, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if t.Kind == schema.Struct {
			return structOf(t.Fields, v)
		}
		entries := map[string]any{}
		for key, value := range v {
			entries[key] = valueOf(t.Elem, value)
		}
		return entries
	case []any:
		elements := []any{}
		for _, e := range v {
			elements = append(elements, valueOf(t.Elem, e))
		}
		return elements
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil && t.Kind == schema.Date {
			return float64(day.Unix() / 86_400)
		}
	}
	return v
}
