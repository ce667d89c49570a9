package trace

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"

	"firehose-pipeline/internal/awsclient"
)

// fakeAthena answers as Athena does: it stays in the state before, so many times, and then ends.
type fakeAthena struct {
	state, reason string
	running       int
	denied        string // operation
	rows          string

	started map[string]any
	stopped bool
}

func (f *fakeAthena) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if operation == f.denied {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","Message":"not authorized to perform: athena:`+
			operation+`"}`)
		return
	}
	switch operation {
	case "StartQueryExecution":
		f.started = map[string]any{}
		_ = json.Unmarshal(body, &f.started)
		_, _ = io.WriteString(w, `{"QueryExecutionId":"q-1"}`)
	case "GetQueryExecution":
		state, reason := f.state, f.reason
		if f.running > 0 {
			f.running--
			state, reason = "RUNNING", ""
		}
		text, _ := json.Marshal(reason)
		fmt.Fprintf(w, `{"QueryExecution":{"QueryExecutionId":"q-1","Status":{"State":%q,"StateChangeReason":%s}}}`, state,
			text)
	case "GetQueryResults":
		_, _ = io.WriteString(w, `{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"$path"},{"VarCharValue":"processed_timestamp"}]}`+
			f.rows+`]}}`)
	case "StopQueryExecution":
		f.stopped = true
		_, _ = io.WriteString(w, `{}`)
	}
}

func askAthena(t *testing.T, f *fakeAthena, id ID) (Place, error) {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	client := athena.New(athena.Options{BaseEndpoint: &server.URL, Region: "eu-west-1", Retryer: aws.NopRetryer{},
		HTTPClient: awsclient.ReadWhole(server.Client(), &server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})})
	l := LakeQuery{Client: client, WorkGroup: "lake", Table: "shop.events", Clock: &stepClock{noon}}
	p := Place{Name: Lake}
	err := l.Look(t.Context(), &Query{ID: id, Window: Window{Since: noon.AddDate(0, 0, -1)}}, &p)
	return p, err
}

func TestLakeQueryFinds(t *testing.T) {
	f := &fakeAthena{state: "SUCCEEDED", running: 3, rows: `,{"Data":[{"VarCharValue":` +
		`"s3://b/transformed-data/year=2026/o-2026-01-31-09-00-00-01234567-0123-0123-0123-0123456789ab.parquet"},` +
		`{"VarCharValue":"2026-01-31T09:05:00.000Z"}]},{"Data":[{"VarCharValue":` +
		`"s3://b/o-2026-01-31-09-00-00-01234567-0123-0123-0123-0123456789ab.parquet"},{}]}`}
	p, err := askAthena(t, f, newID(t, "e-1"))
	if err != nil || len(p.Hits) != 2 || !p.Complete || p.Means != "athena" {
		t.Fatalf("got %+v, %v", p, err)
	}
	if h := p.Hits[0]; h.TimeOf != "processed" || h.Time.Format("15:04") != "09:05" || !strings.HasPrefix(h.Object,
		"s3://b/") {
		t.Errorf("got %+v", h)
	}
	if h := p.Hits[1]; h.TimeOf != "objectBegan" || h.Time.Format("15:04") != "09:00" {
		t.Errorf("got %+v", h)
	}
	want := `SELECT "$path", "processed_timestamp" FROM "shop"."events" WHERE year IN ('2026') AND month IN ('01') AND ` +
		`day IN ('30', '31') AND (year || month || day || hour) BETWEEN '2026013011' AND '2026013113' AND ` +
		`"event_id" = from_utf8(from_hex('652d31')) LIMIT 20`
	if f.started["QueryString"] != want || f.started["WorkGroup"] != "lake" || f.started["ResultConfiguration"] != nil {
		t.Errorf("got %v", f.started)
	}
	if p, err := askAthena(t, &fakeAthena{state: "SUCCEEDED"}, newID(t, "e-1")); err != nil || len(p.Hits) != 0 ||
		!p.Complete {
		t.Errorf("got %+v, %v", p, err)
	}
}

// No id is ever SQL: whatever it is, it comes as hexadecimal digits of its bytes.
func TestLakeQueryQuotes(t *testing.T) {
	form := regexp.MustCompile(`"event_id" = from_utf8\(from_hex\('([0-9a-f]*)'\)\) LIMIT 20$`)
	for _, text := range hostile {
		id := newID(t, text)
		sql, err := LakeQuery{Table: "d.t"}.query(&Query{ID: id, Window: Window{Since: noon, Until: noon}})
		if err != nil {
			t.Fatal(err)
		}
		found := form.FindStringSubmatch(sql)
		if found == nil {
			t.Errorf("%.20q: got %.300s", text, sql)
			continue
		}
		if decoded, err := hex.DecodeString(found[1]); err != nil || string(decoded) != text {
			t.Errorf("%.20q: got %.20q, %v", text, decoded, err)
		}
		if len(sql) > 262_144 { // Athena's limit
			t.Errorf("%.20q: %d bytes", text, len(sql))
		}
	}
	nested := parseID(t, `{"type":"object","properties":{"meta":{"type":"object","properties":{"Id":{"type":"integer"}}}},
		"x-event-id":"/meta/Id"}`, "7")
	sql, err := LakeQuery{Table: `d"x.t`}.query(&Query{ID: nested})
	if err != nil || !strings.Contains(sql, `FROM "d""x"."t" WHERE`) ||
		!strings.Contains(sql, `CAST("meta"."id" AS varchar) = from_utf8(from_hex('37'))`) {
		t.Errorf("got %s, %v", sql, err)
	}
}

func TestLakeQueryFails(t *testing.T) {
	for name, c := range map[string]struct {
		fake   fakeAthena
		want   string
		denied bool
	}{
		"no right to start": {fakeAthena{denied: "StartQueryExecution"}, "athena:StartQueryExecution", true},
		"no right to read":  {fakeAthena{state: "SUCCEEDED", denied: "GetQueryResults"}, "athena:GetQueryResults", true},
		"no right in S3": {fakeAthena{state: "FAILED", reason: "Access Denied (Service: Amazon S3)"},
			"FAILED: Access Denied", true},
		"a table is missing": {fakeAthena{state: "FAILED", reason: "TABLE_NOT_FOUND: \x1b[31m"},
			`TABLE_NOT_FOUND: \u001b[31m`, false},
		"cancelled": {fakeAthena{state: "CANCELLED"}, "CANCELLED", false},
		"too slow":  {fakeAthena{running: 1 << 30}, "took longer than 2m0s, and was stopped", false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := askAthena(t, &c.fake, newID(t, "e-1"))
			if err == nil || !strings.Contains(err.Error(), c.want) || isDenied(err) != c.denied || p.Complete {
				t.Errorf("got %v, denied %v, complete %v", err, isDenied(err), p.Complete)
			}
			if c.fake.stopped != (name == "too slow") {
				t.Errorf("stopped: %v", c.fake.stopped)
			}
		})
	}
}

// What the stores cannot have is not asked for.
func TestLakeQueryAsksForPossibleIDs(t *testing.T) {
	hashed := parseID(t, `{"type":"object","properties":{"event_id":{"type":"string","x-protect":"hash"}}}`, "7")
	f := &fakeAthena{state: "SUCCEEDED"}
	if _, err := askAthena(t, f, hashed); !isDenied(err) || f.started != nil {
		t.Errorf("hashed: got %v", err)
	}
	number := parseID(t, `{"type":"object","properties":{"event_id":{"type":"integer"}}}`, "seven")
	if p, err := askAthena(t, f, number); err != nil || !p.Complete || f.started != nil {
		t.Errorf("got %+v, %v", p, err)
	}
}
