package apigateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"firehose-pipeline/frontdoor"
	"firehose-pipeline/local/apigateway"
	"firehose-pipeline/local/apigateway/vtl"
	"firehose-pipeline/local/template"
)

// service answers what the test wants, and keeps the request.
type service struct {
	status int
	answer string
	got    string
	header http.Header
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.got, s.header = string(body), r.Header
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.answer)
}

func parseTemplate(t *testing.T, text string) *vtl.Template {
	t.Helper()
	parsed, err := vtl.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// newConfig is the front door's definition, as a template has it.
func newConfig(t *testing.T) *template.API {
	t.Helper()
	texts := frontdoor.Kinesis.ReadTemplates("a-stream")
	c := &template.API{Name: "api", Stage: "v1", Path: "/events", Method: http.MethodPost, Service: "kinesis",
		Action: "PutRecords", ContentType: "application/x-amz-json-1.1", Requests: map[string]*vtl.Template{},
		Models: map[string]json.RawMessage{frontdoor.JSON: json.RawMessage(`{"$schema":"s","title":"Event","type":"object",` +
			`"required":["event_id","at"],"properties":{"owner":{"required":["name"]},"items":{"items":{"required":["sku"]}}}}`)},
		Gateway: map[string]template.APIResponse{}}
	for contentType, text := range texts.Requests {
		c.Requests[contentType] = parseTemplate(t, text)
	}
	for _, r := range []struct {
		pattern, text string
		status        int
		headers       map[string]string
	}{{"", texts.Accepted, 200, map[string]string{}}, {`4\d{2}`, texts.Rejected, 400, map[string]string{}},
		{`5\d{2}`, texts.Failed, 503, map[string]string{"Retry-After": "1"}}} {
		response := template.APIResponse{Status: r.status, Template: parseTemplate(t, r.text), Headers: r.headers}
		if r.pattern != "" {
			response.Pattern = regexp.MustCompile("^(?:" + r.pattern + ")$")
		}
		c.Responses = append(c.Responses, response)
	}
	for _, g := range frontdoor.GatewayResponses {
		response := template.APIResponse{Status: g.Status, Text: g.Template, Headers: map[string]string{}}
		if g.RetryAfter {
			response.Headers["Retry-After"] = "1"
		}
		c.Gateway[g.Type] = response
	}
	return c
}

const signed = "AWS4-HMAC-SHA256 Credential=local/20261130/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0"

const good = `{"event_id":"1","at":"2026-11-30","n":1.10}`

func post(handler http.Handler, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/events", strings.NewReader(body))
	r.Header.Set("Authorization", signed)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func newAPI(t *testing.T, o apigateway.Options) *apigateway.API {
	t.Helper()
	api, err := apigateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestRequestsThatDoNotReachTheService(t *testing.T) {
	s := &service{status: 200}
	config := newConfig(t)
	config.KeyRequired = true
	api := newAPI(t, apigateway.Options{Config: config, Service: s, Target: "T", Key: "key"})
	ndjson := []string{"Content-Type", frontdoor.Lines}
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		want       string
	}{
		{"not signed", good, []string{"Authorization", ""}, 403, "Missing Authentication Token"},
		{"signed for another service", good, []string{"Authorization", strings.Replace(signed, "execute-api", "s3", 1)}, 403,
			"Credential should be scoped"},
		{"no key", good, []string{"X-Api-Key", ""}, 403, "Forbidden"},
		{"another key", good, []string{"X-Api-Key", "other"}, 403, "Forbidden"},
		{"another content type", good, []string{"Content-Type", "text/plain"}, 415, "application/x-ndjson"},
		{"a content type that is none", good, []string{"Content-Type", ";"}, 415, "application/x-ndjson"},
		{"missing members", `{"n":1}`, nil, 400, `([\"at\",\"event_id\"])`},
		{"a missing member of an object", `{"event_id":1,"at":2,"owner":{}}`, nil, 400, `([\"name\"])`},
		{"a missing member in an array", `{"event_id":1,"at":2,"items":[{"sku":1},{}]}`, nil, 400, `([\"sku\"])`},
		{"a list", "[1]", nil, 400, "instance type (array)"},
		{"no JSON", "{", nil, 400, "Could not parse request body into json"},
		{"two values", good + good, nil, 400, "there is text after the value"},
		{"an empty body", "", nil, 400, "missing required properties"},
		{"over 10 MB", strings.Repeat("x", 10<<20+1), ndjson, 413, "at most 10 MB"},
	} {
		w := post(api, c.body, append([]string{"X-Api-Key", "key"}, c.headers...)...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: must be %d and JSON with %q (got %d, %s)", c.name, c.status, c.want, w.Code, w.Body)
		}
	}
	for path, method := range map[string]string{"/v1/events": http.MethodGet, "/v1": http.MethodPost,
		"/v1/events/x": http.MethodPost} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != 403 {
			t.Errorf("%s %s: must be 403 (got %d)", method, path, w.Code)
		}
	}
	if s.got != "" {
		t.Errorf("no request must reach the service (got %s)", s.got)
	}
}

func TestRequestsThatReachTheService(t *testing.T) {
	s := &service{}
	api := newAPI(t, apigateway.Options{Config: newConfig(t), Service: s, Target: "Kinesis_20131202.PutRecords"})
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		answer                  string
		wantStatus              int
		retryAfter, want        string
		records                 []string
	}{
		{"one event", "application/json; charset=utf-8", good, 200, `{"FailedRecordCount":0,"Records":[{"ShardId":"s"}]}`,
			200, "", `{"events":1,"failed":0,"failures":[]}`, []string{good}},
		{"numbers that no float64 holds", "", `{"event_id":1E400,"at":9007199254740993001}`, 200,
			`{"FailedRecordCount":0,"Records":[{}]}`, 200, "", `"failed":0`, []string{`{"event_id":1E400,"at":9007199254740993001}`}},
		{"lines", frontdoor.Lines, "{}\n\n[1]\r\n", 200, `{"FailedRecordCount":1,"Records":[{},{"ErrorCode":` +
			`"ProvisionedThroughputExceededException","ErrorMessage":"account 1"}]}`, 207, "",
			`"failures":[{"event":2,"code":"ProvisionedThroughputExceededException"}]`, []string{"{}", "[1]\r"}},
		{"all throttled", frontdoor.Lines, "{}", 200, `{"FailedRecordCount":1,"Records":[{"ErrorCode":` +
			`"ProvisionedThroughputExceededException"}]}`, 429, "1", "too many come", []string{"{}"}},
		{"throttled as a whole", frontdoor.Lines, "{}", 400, `{"__type":"ProvisionedThroughputExceededException"}`, 429, "1",
			"too many come", []string{"{}"}},
		{"no right", frontdoor.Lines, "{}", 400, `{"__type":"AccessDeniedException","message":"arn:…"}`, 500, "",
			"cannot use its stream", []string{"{}"}},
		{"an outage", frontdoor.Lines, "{}", 500, `<html>`, 503, "1", "may not have been accepted", []string{"{}"}},
		{"no event", frontdoor.Lines, "\n \n", 400, `{"__type":"ValidationException","message":"Value '[]' at 'records'"}`, 400,
			"", "one event a line", []string{}},
	} {
		s.status, s.answer = c.status, c.answer
		w := post(api, c.body, "Content-Type", c.contentType)
		if w.Code != c.wantStatus || w.Header().Get("Retry-After") != c.retryAfter ||
			!strings.Contains(w.Body.String(), c.want) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: must be %d with Retry-After %q and %s (got %d, %q, %s)", c.name, c.wantStatus, c.retryAfter, c.want,
				w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		var request struct {
			StreamName string
			Records    []struct{ Data []byte }
		}
		if err := json.Unmarshal([]byte(s.got), &request); err != nil || request.StreamName != "a-stream" ||
			len(request.Records) != len(c.records) {
			t.Errorf("%s: must put %q (got %s, %v)", c.name, c.records, s.got, err)
			continue
		}
		for i, r := range request.Records {
			if string(r.Data) != c.records[i] {
				t.Errorf("%s: record %d must be %q (got %q)", c.name, i, c.records[i], r.Data)
			}
		}
		if s.header.Get("X-Amz-Target") != "Kinesis_20131202.PutRecords" ||
			s.header.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("%s: must be a request of the JSON protocol (got %v)", c.name, s.header)
		}
	}
}

func TestThrottling(t *testing.T) {
	s := &service{status: 200, answer: `{"FailedRecordCount":0,"Records":[{}]}`}
	config := newConfig(t)
	config.Rate, config.Burst = 10, 2
	now := time.Unix(0, 0)
	api := newAPI(t, apigateway.Options{Config: config, Service: s, Now: func() time.Time { return now }})
	statuses := func(n int) (got []int) {
		for range n {
			w := post(api, good)
			if got = append(got, w.Code); w.Code == 429 && w.Header().Get("Retry-After") != "1" {
				t.Errorf("429 must have Retry-After 1 (got %v)", w.Header())
			}
		}
		return got
	}
	if got := statuses(3); got[1] != 200 || got[2] != 429 {
		t.Errorf("a burst of 2 must let 2 of 3 requests through (got %v)", got)
	}
	now = now.Add(100 * time.Millisecond)
	if got := statuses(2); got[0] != 200 || got[1] != 429 {
		t.Errorf("a tenth of a second must let one request through (got %v)", got)
	}
}

func TestWhatIsNotModelled(t *testing.T) {
	config := newConfig(t)
	config.Models[frontdoor.JSON] = json.RawMessage(`{"type":"object","minProperties":1}`)
	if _, err := apigateway.New(apigateway.Options{Config: config}); err == nil {
		t.Error("a model with a keyword that is not modelled must be rejected")
	}
	config = newConfig(t)
	config.Gateway["THROTTLED"] = template.APIResponse{Text: "$context.identity.user"}
	if _, err := apigateway.New(apigateway.Options{Config: config}); err == nil {
		t.Error("a gateway response with a variable that is not modelled must be rejected")
	}
}
