// Package main_test runs the function's binary. Expected results are written here a second time, from the contract and
// with encoding/json, so that it shares nothing with the code it checks.
package main_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	_ "firehose-pipeline/functions/errorhandler" // Go's test cache does not see the binaries' sources
	_ "firehose-pipeline/functions/transform"
	"firehose-pipeline/internal/testkit/callrecord"
	"firehose-pipeline/internal/testkit/functiontest"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/sqs"
)

func TestMain(m *testing.M) { functiontest.Main(m, "errorhandler", "transform") }

const (
	lakeBucket = "pipeline-test-lake"
	queueName  = "pipeline-test-dead-letters"
)

// errorPath is the error handler's binary between an S3 and an SQS endpoint on loopback.
type errorPath struct {
	*functiontest.Function
	t       *testing.T
	store   *s3.Server
	bucket  *sdk.Client
	queue   *sqs.Server
	created chan s3.ObjectCreated
	read    int // messages looked at
}

func startErrorHandler(t *testing.T) *errorPath {
	t.Helper()
	return startErrorHandlerWith(t, faults{})
}

// faults are injected around the handler.
type faults struct {
	queue string                              // whose URL the handler is given, default queueName
	send  func(sqs.Entry) *sqs.Fault          // of an entry of the queue
	s3    func(api http.Handler) http.Handler // a proxy between the handler and S3
	tls   bool                                // to S3 and SQS, as on AWS
	limit time.Duration                       // of an invocation, default 1m
}

// startErrorHandlerWith starts the handler among faults.
func startErrorHandlerWith(t *testing.T, f faults) *errorPath {
	t.Helper()
	p := &errorPath{t: t, created: make(chan s3.ObjectCreated, 100)}
	var err error
	p.store, err = s3.Serve(t.Context(), s3.Options{Dir: t.TempDir(),
		Buckets: []s3.Bucket{{Name: lakeBucket, Versioned: true}},
		Created: func(o s3.ObjectCreated) { p.created <- o }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})
	p.queue, err = sqs.Serve(t.Context(), sqs.Options{Queues: []sqs.Queue{{Name: queueName}}, Fault: f.send})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.queue.Close(); err != nil {
			t.Error(err)
		}
	})
	p.bucket = sdk.New(sdk.Options{BaseEndpoint: &p.store.URL, Region: "us-east-1", UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
			})})
	environment := map[string]string{
		"DEAD_LETTER_QUEUE_URL": p.queue.QueueURL(cmp.Or(f.queue, queueName)),
		"ERROR_PREFIX":          "error-data/",
		"EVENT_ID":              "/event_id",
		"LOG_LEVEL":             "warn",
		"AWS_ENDPOINT_URL_S3":   p.store.URL,
		"AWS_ENDPOINT_URL_SQS":  p.queue.URL,
	}
	if f.s3 != nil {
		environment["AWS_ENDPOINT_URL_S3"] = serve(t, f.s3(p.store.Handler())).URL
	}
	if f.tls {
		objects, queue := serveTLS(t, p.store.Handler()), serveTLS(t, p.queue)
		environment["AWS_ENDPOINT_URL_S3"], environment["AWS_ENDPOINT_URL_SQS"] = objects.URL, queue.URL
		environment["AWS_CA_BUNDLE"] = filepath.Join(t.TempDir(), "ca.pem")
		// the same for both
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: objects.Certificate().Raw})
		if err := os.WriteFile(environment["AWS_CA_BUNDLE"], certificate, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if callrecord.On() && f.s3 == nil && !f.tls {
		environment["AWS_ENDPOINT_URL_S3"] = serve(t, callrecord.Handler("ErrorHandlerRole", p.store.Handler())).URL
		environment["AWS_ENDPOINT_URL_SQS"] = serve(t, callrecord.Handler("ErrorHandlerRole", p.queue)).URL
	}
	p.Function = functiontest.StartWithin(t, "errorhandler", environment, cmp.Or(f.limit, time.Minute))
	return p
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // connections cut by a process that was killed
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func serveTLS(t *testing.T, h http.Handler) *httptest.Server {
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return server
}

// letter is a dead letter as the documentation describes it.
type letter struct {
	Version   int
	Kind      string
	ID        string
	Stream    string
	Stage     string
	Reason    string
	ErrorCode string
	Attempts  int
	EventID   string
	Pointer   *struct {
		Bucket, Key, VersionID, Encoding string
		Offset, Length                   int64
	}
	Counts  map[string]int
	RawData []byte
}

// put stores an error object and returns the notification about it.
func (p *errorPath) put(key string, content []byte) []byte {
	p.t.Helper()
	_, err := p.bucket.PutObject(p.t.Context(), &sdk.PutObjectInput{Bucket: aws.String(lakeBucket), Key: &key,
		Body: bytes.NewReader(content)})
	if err != nil {
		p.t.Fatal(err)
	}
	return s3.Notification("us-east-1", "errors", <-p.created)
}

// handle invokes the function with an event and returns the messages that it has sent.
func (p *errorPath) handle(event []byte) []letter {
	p.t.Helper()
	p.MustInvoke(event)
	return p.letters()
}

// messages returns the messages that have come since it was last asked.
func (p *errorPath) messages() []sqs.Message {
	p.t.Helper()
	all, err := p.queue.Messages(queueName)
	if err != nil {
		p.t.Fatal(err)
	}
	since := all[p.read:]
	p.read = len(all)
	return since
}

// letters reads those messages and checks what holds for each.
func (p *errorPath) letters() []letter {
	p.t.Helper()
	var letters []letter
	for _, m := range p.messages() {
		var l letter
		if err := json.Unmarshal([]byte(m.Body), &l); err != nil {
			p.t.Fatalf("%v in %s", err, m.Body)
		}
		for name, want := range map[string]string{"kind": l.Kind, "stream": l.Stream, "stage": l.Stage,
			"reason": l.Reason} {
			if got := m.Attributes[name]; got.DataType != "String" || got.StringValue == nil ||
				*got.StringValue != want {
				p.t.Errorf("got attribute %s %+v, want %q", name, got, want)
			}
		}
		if l.Version != 1 {
			p.t.Errorf("got version %d", l.Version)
		}
		letters = append(letters, l)
	}
	return letters
}

// pointed reads the target of a dead letter's pointer.
func (p *errorPath) pointed(l letter) []byte {
	p.t.Helper()
	if l.Pointer == nil {
		p.t.Fatalf("letter %s has no pointer", l.ID)
	}
	out, err := p.bucket.GetObject(p.t.Context(), &sdk.GetObjectInput{Bucket: &l.Pointer.Bucket, Key: &l.Pointer.Key,
		VersionId: &l.Pointer.VersionID})
	if err != nil {
		p.t.Fatal(err)
	}
	defer out.Body.Close()
	var body io.Reader = out.Body
	if l.Pointer.Encoding == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			p.t.Fatal(err)
		}
	}
	content, err := io.ReadAll(body)
	if err != nil {
		p.t.Fatal(err)
	}
	end := l.Pointer.Offset + l.Pointer.Length
	if end > int64(len(content)) {
		p.t.Fatalf("letter %s points to bytes %d to %d of %d", l.ID, l.Pointer.Offset, end, len(content))
	}
	return content[l.Pointer.Offset:end]
}

// processingFailed is a document as Firehose writes it under processing-failed.
func processingFailed(record []byte) string {
	return fmt.Sprintf(`{"attemptsMade":1,"arrivalTimestamp":1767322800000,"errorCode":"Lambda.ProcessingFailedStatus","errorMessage":"ProcessingFailed status set for record",`+
		`"attemptEndingTimestamp":1767322860000,"rawData":"%s","lambdaARN":"arn:aws:lambda:us-east-1:000000000000:function:pipeline-test-transform:$LATEST"}`,
		base64.StdEncoding.EncodeToString(record))
}

func errorKey(stream, kind, suffix string) string {
	return "error-data/" + stream + "/" + kind + "/year=2026/month=01/day=02/hour=03/pipeline-test-" + stream +
		"-1-2026-01-02-03-04-05-0a1b2c3d-" + suffix
}

func zip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// breaking is an answer whose connection breaks after so many bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if len(p) <= b.left {
		b.left -= len(p)
		return b.ResponseWriter.Write(p)
	}
	_, _ = b.ResponseWriter.Write(p[:b.left])
	_ = http.NewResponseController(b.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// TestFailedRecordsBecomeDeadLetters takes records that the transform's binary rejects through Firehose's error objects
// to the queue.
func TestFailedRecordsBecomeDeadLetters(t *testing.T) {
	layouts := map[string]func([]string) []byte{
		"one a line":         func(d []string) []byte { return []byte(strings.Join(d, "\n") + "\n") },
		"concatenated":       func(d []string) []byte { return []byte(strings.Join(d, "")) },
		"one a line, gzip":   func(d []string) []byte { return zip(t, []byte(strings.Join(d, "\n")+"\n")) },
		"concatenated, gzip": func(d []string) []byte { return zip(t, []byte(strings.Join(d, ""))) },
		"several gzip parts": func(d []string) []byte {
			return append(zip(t, []byte(strings.Join(d[:3], "\n"))), zip(t, []byte("\n"+strings.Join(d[3:], "\n")))...)
		},
		"pretty-printed-ish": func(d []string) []byte { return []byte(" \n" + strings.Join(d, "\r\n\r\n\t") + "\n\n") },
	}
	for _, stream := range []string{"lake", "search"} {
		var records [][]byte
		var cases []functiontest.Trap
		for _, c := range functiontest.Traps {
			if len(c.In) < 10000 { // the large ones make no other case
				records, cases = append(records, []byte(c.In)), append(cases, c)
			}
		}
		var documents, reasons, inputs []string
		for i, answer := range functiontest.StartTransform(t, stream).Transform(records...) {
			if answer.Result == functiontest.Failed {
				documents, inputs = append(documents, processingFailed(records[i])), append(inputs, cases[i].In)
				reasons = append(reasons, cases[i].Reason)
			}
		}
		if len(documents) < 30 {
			t.Fatalf("got %d failed records", len(documents))
		}
		for name, layout := range layouts {
			t.Run(stream+", "+name, func(t *testing.T) {
				p := startErrorHandler(t)
				key := errorKey(stream, "processing-failed", "1")
				event := p.put(key, layout(documents))
				letters := p.handle(event)
				if len(letters) != len(documents) {
					t.Fatalf("got %d letters for %d failed records", len(letters), len(documents))
				}
				ids := map[string]bool{}
				for i, l := range letters {
					ids[l.ID] = true
					if l.Kind != "record" || l.Stream != stream || l.Stage != "transform" ||
						string(l.RawData) != inputs[i] ||
						l.ErrorCode != "Lambda.ProcessingFailedStatus" || l.Attempts != 1 {
						t.Errorf("record %q: got %+v", inputs[i], l)
					}
					if reasons[i] != "" && l.Reason != reasons[i] {
						t.Errorf("record %q: got reason %s, want %s", inputs[i], l.Reason, reasons[i])
					}
					if l.Reason == "AcceptedNow" || l.Reason == "Other" || l.Reason == "" {
						t.Errorf("record %q: got reason %q", inputs[i], l.Reason)
					}
					if l.Pointer.Bucket != lakeBucket || l.Pointer.Key != key || l.Pointer.VersionID == "" {
						t.Errorf("record %q: got pointer %+v", inputs[i], l.Pointer)
					}
					if got := string(p.pointed(l)); got != documents[i] {
						t.Errorf("record %q: the pointer leads to %q", inputs[i], got)
					}
				}
				if len(ids) != len(letters) {
					t.Errorf("got %d different ids for %d letters", len(ids), len(letters))
				}
				for _, id := range []string{"cut-1", "cut-2"} {
					if !slices.ContainsFunc(letters, func(l letter) bool { return l.EventID == id }) {
						t.Errorf("event id %s is not named", id)
					}
				}
				again := p.handle(event) // S3 notifies at least once
				for i, l := range again {
					if i >= len(letters) || l.ID != letters[i].ID || l.Reason != letters[i].Reason {
						t.Errorf("the second time got %+v", l)
					}
				}
				if len(again) != len(letters) {
					t.Errorf("the second time got %d letters, want %d", len(again), len(letters))
				}
				metrics := p.Metrics()
				if len(metrics) != 2 {
					t.Fatalf("got %d metric lines", len(metrics))
				}
				for _, m := range metrics {
					n := float64(len(letters))
					if m["FailedRecords"] != n || m["DeadLetters"] != n || m["UnreadableObjects"] != 0.0 ||
						m["Stream"] != stream || m["Stack"] != "pipeline-test" {
						t.Errorf("got metrics %v", m)
					}
				}
			})
		}
	}
}

func TestOtherErrorObjects(t *testing.T) {
	record := []byte(`{"event_id":"e-1","amount":1}`)
	raw := base64.StdEncoding.EncodeToString(record)
	for _, c := range []struct{ name, stream, folder, document, stage, reason, code string }{
		{"conversion, as objects are", "lake", "format-conversion-failed",
			`{"attemptsMade":1,"arrivalTimestamp":1767322800000,"lastErrorCode":"DataFormatConversion.MalformedData","lastErrorMessage":"bad","attemptEndingTimestamp":1767322860000,"rawData":"` + raw +
				`","sequenceNumber":"49","subSequenceNumber":0,"dataCatalogTable":{"catalogId":null,"databaseName":"d","tableName":"t","region":"us-east-1","versionId":"LATEST","catalogArn":null}}`,
			"conversion", "ConversionData", "DataFormatConversion.MalformedData"},
		{"conversion, as documented", "lake", "format-conversion-failed",
			`{"attemptsMade":"1","ErrorCode":"DataFormatConversion.AccessDenied","ErrorMessage":"no","rawData":"` +
				raw + `"}`, "conversion", "ConversionRefused", "DataFormatConversion.AccessDenied"},
		{"search, all in quotes as documented", "search", "AmazonOpenSearchService-failed",
			`{"attemptsMade":"3","arrivalTimestamp":"1767322800000","errorCode":"400","errorMessage":"mapper_parsing_exception","attemptEndingTimestamp":"1767322860000","esDocumentId":"d","esIndexName":"i-2026-01-02","esTypeName":"","rawData":"` + raw + `"}`,
			"search", "SearchRejected", "400"},
		{"search, numbers", "search", "AmazonOpenSearchService_failed",
			`{"attemptsMade":3,"arrivalTimestamp":1767322800000,"errorCode":503,"errorMessage":"down","rawData":"` +
				raw + `","esDocumentId":"d","esIndexName":"i"}`, "search", "SearchUnavailable", "503"},
		{"a function that failed, documented spelling", "search", "processing-failed",
			`{"attemptsMade":4,"errorCode":"Lambda.FunctionError","errorMessage":"boom","rawData":"` + raw +
				`","lambdaArn":"arn:aws:lambda:us-east-1:000000000000:function:f"}`, "transform", "FunctionError",
			"Lambda.FunctionError"},
		{"an answer above 6 MB", "lake", "processing-failed", processingFailed(record), "transform", "AcceptedNow",
			"Lambda.ProcessingFailedStatus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startErrorHandler(t)
			letters := p.handle(p.put(errorKey(c.stream, c.folder, "1"), []byte(c.document+"\n")))
			if len(letters) != 1 {
				t.Fatalf("got %d letters", len(letters))
			}
			if l := letters[0]; l.Kind != "record" || l.Stream != c.stream || l.Stage != c.stage ||
				l.Reason != c.reason || l.ErrorCode != c.code ||
				!bytes.Equal(l.RawData, record) || l.EventID != "e-1" {
				t.Errorf("got %+v", l)
			}
		})
	}
	t.Run("above 1,000 records the rest is counted by reason", func(t *testing.T) {
		p := startErrorHandler(t)
		var documents []string
		for range 900 {
			documents = append(documents, processingFailed([]byte(`{"a":NaN}`)))
		}
		for range 700 {
			documents = append(documents, processingFailed([]byte(`[]`)))
		}
		letters := p.handle(p.put(errorKey("lake", "processing-failed", "1"), []byte(strings.Join(documents, "\n"))))
		if len(letters) != 1001 {
			t.Fatalf("got %d letters, want 1001", len(letters))
		}
		rest := letters[1000]
		if rest.Kind != "object" || rest.Reason != "MoreRecords" ||
			!maps.Equal(rest.Counts, map[string]int{"NotAnObject": 600}) {
			t.Errorf("got %+v", rest)
		}
		if got := strings.Split(string(p.pointed(rest)), "\n"); !slices.Equal(got, documents[1000:]) {
			t.Errorf("the pointer leads to %d documents, want the last 600", len(got))
		}
	})
	t.Run("a torn object gives what can be read and a pointer to the rest", func(t *testing.T) {
		p := startErrorHandler(t)
		good, torn := processingFailed([]byte(`[1]`)), processingFailed([]byte(`[2]`))[:100]
		letters := p.handle(p.put(errorKey("lake", "processing-failed", "1"), []byte(good+"\n"+torn)))
		if len(letters) != 2 || letters[0].Kind != "record" || letters[1].Kind != "object" ||
			letters[1].Reason != "Unreadable" || letters[1].Pointer.Offset < int64(len(good)) {
			t.Fatalf("got %+v", letters)
		}
	})
	t.Run("a record that is too large for a message is pointed to", func(t *testing.T) {
		p := startErrorHandler(t)
		// NULs: invalid
		document := processingFailed(append([]byte(`{"event_id":"large","a":"`), make([]byte, 900<<10)...))
		letters := p.handle(p.put(errorKey("search", "processing-failed", "1"), []byte(document)))
		if len(letters) != 1 || letters[0].RawData != nil || letters[0].EventID != "large" ||
			string(p.pointed(letters[0])) != document {
			t.Errorf("got %.1000v", letters)
		}
	})
	t.Run("several objects in one event", func(t *testing.T) {
		p := startErrorHandler(t)
		var events []json.RawMessage
		for i := range 3 {
			var e struct{ Records []json.RawMessage }
			if err := json.Unmarshal(p.put(errorKey("lake", "processing-failed", fmt.Sprint(i)),
				[]byte(processingFailed([]byte(`[]`)))), &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e.Records...)
		}
		event, err := json.Marshal(map[string]any{"Records": events})
		if err != nil {
			t.Fatal(err)
		}
		if letters := p.handle(event); len(letters) != 3 {
			t.Errorf("got %d letters, want 3", len(letters))
		}
	})
	t.Run("an object named twice in one event is read once", func(t *testing.T) {
		p := startErrorHandler(t)
		event := p.put(errorKey("lake", "processing-failed", "1"), []byte(processingFailed([]byte(`[]`))))
		var e struct{ Records []json.RawMessage }
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		twice, err := json.Marshal(map[string]any{"Records": append(e.Records, e.Records...)})
		if err != nil {
			t.Fatal(err)
		}
		if letters := p.handle(twice); len(letters) != 1 {
			t.Errorf("got %d letters, want 1", len(letters))
		}
	})
	t.Run("gzip that S3 declares is unzipped once", func(t *testing.T) {
		p := startErrorHandler(t)
		document := processingFailed([]byte(`[]`))
		created, err := p.store.Put(lakeBucket, errorKey("lake", "processing-failed", "1"),
			map[string]string{"Content-Encoding": "gzip"}, bytes.NewReader(zip(t, []byte(document))))
		if err != nil {
			t.Fatal(err)
		}
		letters := p.handle(s3.Notification("us-east-1", "errors", created))
		if len(letters) != 1 || letters[0].Pointer.Encoding != "gzip" || string(p.pointed(letters[0])) != document {
			t.Errorf("got %+v", letters)
		}
	})
	t.Run("a connection to S3 that breaks is taken up where it broke", func(t *testing.T) {
		var ranges []string
		p := startErrorHandlerWith(t, faults{s3: func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				if len(ranges) < 4 {
					w = &breaking{w, 10_000}
				}
				api.ServeHTTP(w, r)
			})
		}})
		var documents []string
		for i := range 200 {
			documents = append(documents, processingFailed(fmt.Appendf(nil, "[%d]", i)))
		}
		letters := p.handle(p.put(errorKey("lake", "processing-failed", "1"), []byte(strings.Join(documents, "\n"))))
		if len(letters) != 200 || len(ranges) != 4 || ranges[3] == "" {
			t.Errorf("got %d letters of 200, ranges %q", len(letters), ranges)
		}
	})
	t.Run("an object that S3 refuses fails the invocation after the others are done", func(t *testing.T) {
		p := startErrorHandlerWith(t, faults{s3: func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "-forbidden") {
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
					return
				}
				api.ServeHTTP(w, r)
			})
		}})
		var events []json.RawMessage
		for _, name := range []string{"forbidden", "good"} {
			var e struct{ Records []json.RawMessage }
			if err := json.Unmarshal(p.put(errorKey("lake", "processing-failed", name),
				[]byte(processingFailed([]byte(`[]`)))), &e); err != nil {
				t.Fatal(err)
			}
			events = append(events, e.Records...)
		}
		event, err := json.Marshal(map[string]any{"Records": events})
		if err != nil {
			t.Fatal(err)
		}
		result, err := p.Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		if result.FunctionError == "" || !strings.Contains(result.ErrorMessage(), "-forbidden") ||
			!strings.Contains(result.ErrorMessage(), "AccessDenied") {
			t.Errorf("got %s, want an error", result.Payload)
		}
		all, err := p.queue.Messages(queueName)
		if err != nil || len(all) != 1 || !strings.Contains(all[0].Body, "-good") {
			t.Errorf("got %+v, %v, want the letter of the good object", all, err)
		}
	})
	t.Run("the earlier version is read when the event names it", func(t *testing.T) {
		p := startErrorHandler(t)
		key := errorKey("lake", "processing-failed", "1")
		event := p.put(key, []byte(processingFailed([]byte(`[1]`))))
		p.put(key, []byte(processingFailed([]byte(`[2]`))))
		if letters := p.handle(event); len(letters) != 1 || string(letters[0].RawData) != `[1]` {
			t.Errorf("got %+v", letters)
		}
	})
	t.Run("the test event of S3 is no failure", func(t *testing.T) {
		p := startErrorHandler(t)
		if letters := p.handle([]byte(`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-02T03:04:05.000Z","Bucket":"b","RequestId":"1","HostId":"2"}`)); len(letters) != 0 {
			t.Errorf("got %+v", letters)
		}
	})
	t.Run("an object that is gone leaves a letter", func(t *testing.T) {
		p := startErrorHandler(t)
		event := s3.Notification("us-east-1", "errors",
			s3.ObjectCreated{Event: "ObjectCreated:Put", Bucket: lakeBucket,
				Key: errorKey("lake", "processing-failed", "x"), Sequencer: "01"})
		if letters := p.handle(event); len(letters) != 1 || letters[0].Kind != "object" ||
			letters[0].Reason != "ObjectMissing" {
			t.Errorf("got %+v", letters)
		}
	})
	t.Run("entries that fail in a batch are sent again", func(t *testing.T) {
		tried := map[string]int{}
		p := startErrorHandlerWith(t, faults{send: func(e sqs.Entry) *sqs.Fault {
			tried[e.Body]++
			if tried[e.Body] <= len(tried)%3 {
				return &sqs.Fault{Code: "InternalError", Message: "try again"}
			}
			return nil
		}})
		var documents []string
		for i := range 25 {
			documents = append(documents, processingFailed(fmt.Appendf(nil, "[%d]", i)))
		}
		letters := p.handle(p.put(errorKey("lake", "processing-failed", "1"), []byte(strings.Join(documents, "\n"))))
		got := map[string]int{}
		for _, l := range letters {
			got[string(l.RawData)]++
		}
		if len(letters) != 25 || len(got) != 25 {
			t.Errorf("got %d letters of %d records, want 25 of 25", len(letters), len(got))
		}
	})
	t.Run("a queue that is not there fails the invocation, so that Lambda tries again", func(t *testing.T) {
		p := startErrorHandlerWith(t, faults{queue: "another-queue"})
		event := p.put(errorKey("lake", "processing-failed", "1"), []byte(processingFailed([]byte(`[]`))))
		result, err := p.Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		if result.FunctionError == "" || !strings.Contains(result.ErrorMessage(), "NonExistentQueue") {
			t.Errorf("got %s, want an error", result.Payload)
		}
	})
}
