package trace

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/sigv4"
)

func askSearch(t *testing.T, id ID, answer http.HandlerFunc) (Place, error) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b", SessionToken: "c"}, nil
	})
	p := Place{Name: Search}
	err := SearchRequest{Endpoint: server.URL, IndexPattern: "realtime-events-2*", HTTP: server.Client(),
		Sign: sigv4.New(credentials, "es", "eu-west-1", clock.System{}.Now)}.Look(t.Context(), &Query{ID: id}, &p)
	return p, err
}

// The id is a term in the body, whatever it is; the address is always the same.
func TestSearchRequest(t *testing.T) {
	for _, text := range append(hostile, "e-1") {
		p, err := askSearch(t, newID(t, text), func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			header, search, _ := strings.Cut(string(body), "\n")
			var index struct{ Index string }
			var query struct {
				Size  int
				Query struct {
					Term map[string]struct{ Value string }
				}
			}
			if r.Method != http.MethodPost || r.RequestURI != "/_msearch" ||
				!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/es/aws4_request") ||
				json.Unmarshal([]byte(header), &index) != nil || index.Index != "realtime-events-2*" ||
				strings.Count(search, "\n") != 1 || json.Unmarshal([]byte(search), &query) != nil ||
				query.Query.Term["event_id"].Value != text || query.Size != MaxHits {
				t.Errorf("%.20q: got %s %s %v %.300s", text, r.Method, r.RequestURI, r.Header, body)
			}
			_, _ = io.WriteString(w, `{"responses":[{"timed_out":false,"_shards":{"total":3,"failed":0},"status":200,"hits":{`+
				`"total":{"value":22},"hits":[{"_index":"realtime-events-2026-01-31","_id":"d-1","_source":`+
				`{"processed_timestamp":"2026-01-31T09:05:00.000Z"}},{"_index":"i","_id":"d-2","_source":{}}]}}]}`)
		})
		if err != nil || !p.Complete || len(p.Hits) != 2 || p.MoreHits != 20 ||
			p.Hits[0].Index != "realtime-events-2026-01-31" ||
			p.Hits[0].Document != "d-1" || p.Hits[0].TimeOf != "processed" || p.Hits[1].Time != nil {
			t.Errorf("%.20q: got %+v, %v", text, p, err)
		}
	}
}

func TestSearchAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status       int
		body, want   string
		denied, part bool
	}{
		"none":           {200, `{"responses":[{"_shards":{"total":0,"failed":0},"hits":{"total":{"value":0},"hits":[]}}]}`, "", false, false},
		"shards missing": {200, `{"responses":[{"_shards":{"total":3,"failed":1},"hits":{"hits":[]}}]}`, "", false, true},
		"timed out": {200, `{"responses":[{"timed_out":true,"_shards":{"total":3,"failed":0},"hits":{"hits":[]}}]}`,
			"", false, true},
		"no rights": {403, `{"Message":"User: x is not authorized"}`, "no rights: the search domain answered 403",
			true, false},
		"no rights in it": {200, `{"responses":[{"status":403,"error":{"type":"security_exception","reason":"no permissions"}}]}`, "no permissions", true, false},
		"rejected": {200, `{"responses":[{"status":400,"error":{"type":"x","reason":"\u001b[31m"}}]}`, `\u001b[31m`,
			false, false},
		"down":      {503, "down\x1b", `answered 503: down\u001b`, false, false},
		"no JSON":   {200, "<html>", "reading the search domain's answer", false, false},
		"no answer": {200, `{"responses":[]}`, "answered 0 searches of 1", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := askSearch(t, newID(t, "e-1"), func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			if fmt.Sprint(err) != "<nil>" != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) ||
				isDenied(err) != c.denied || p.Complete != (c.want == "" && !c.part) || (p.Why != "") != c.part {
				t.Errorf("got %+v, %v", p, err)
			}
		})
	}
}
