package transform

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/sampleevents"
)

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)

func newTestHandler(stream event.Stream, metrics, logs io.Writer) *Handler {
	h, err := New(Settings{Stream: stream, DropEventTypes: []string{"heartbeat"}, Stack: "test-dev", Layout: shop}, metrics, logs)
	if err != nil {
		panic(err)
	}
	h.now = func() time.Time { return testTime }
	return h
}

// answered is one record of an answer, as encoding/json reads it.
type answered struct {
	RecordID string  `json:"recordId"`
	Result   string  `json:"result"`
	Data     *string `json:"data"`
}

// readAnswer reads an answer strictly: no member but those that Firehose wants.
func readAnswer(t testing.TB, answer []byte) []answered {
	t.Helper()
	var a struct {
		Records []answered `json:"records"`
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v: %.200s", err, answer)
	}
	if d.More() {
		t.Fatalf("more than one value: %.200s", answer)
	}
	return a.Records
}

func (a answered) text(t testing.TB) string {
	t.Helper()
	if (a.Data != nil) != (a.Result == "Ok") {
		t.Fatalf("%s: data %v", a.Result, a.Data)
	}
	if a.Data == nil {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(*a.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func invoke(t testing.TB, h *Handler, request []byte) []byte {
	t.Helper()
	answer, err := h.Invoke(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestResults(t *testing.T) {
	records := [][]byte{
		[]byte(`{"user_id":"7"}`), []byte(`{"a":`), []byte(`{"event_type":"heartbeat"}`), []byte(""), []byte("{}\n{}"),
		[]byte(`{"amount":"x"}`),
	}
	const stamp = `"processed_timestamp":"2026-03-04T05:06:07.089Z","processing_status":"SUCCESS"`
	for _, c := range []struct {
		stream event.Stream
		want   []string
	}{
		{event.Lake, []string{
			`{"user_id":"7",` + stamp + `,"user_category":"registered","data_quality_score":11.11}` + "\n",
			"ProcessingFailed", "Dropped",
			"ProcessingFailed", `{` + stamp + `,"data_quality_score":0}` + "\n" + `{` + stamp +
				`,"data_quality_score":0}` + "\n",
			`{` + strings.Replace(stamp, "SUCCESS", "PARTIAL", 1) +
				`,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"x"}}` + "\n",
		}},
		{event.Search, []string{
			`{"user_id":"7",` + stamp + `,"user_category":"registered","data_quality_score":11.11}`, "ProcessingFailed",
			"Dropped",
			"ProcessingFailed", "ProcessingFailed",
			`{` + strings.Replace(stamp, "SUCCESS", "PARTIAL", 1) +
				`,"amount_category":"unknown","amount_tier":"unknown","data_quality_score":0,"malformed":{"amount":"x"}}`,
		}},
	} {
		t.Run(string(c.stream), func(t *testing.T) {
			answer := readAnswer(t, invoke(t, newTestHandler(c.stream, io.Discard, io.Discard),
				sampleevents.Request(records...)))
			if len(answer) != len(records) {
				t.Fatalf("%d answers", len(answer))
			}
			for i, a := range answer {
				got := a.text(t)
				if a.Result != "Ok" {
					got = a.Result
				}
				if a.RecordID != sampleevents.RecordID(i) || got != c.want[i] {
					t.Errorf("record %d: %s %q, want %q", i, a.RecordID, got, c.want[i])
				}
			}
		})
	}
}

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		rule, request string
		want          string // ids and results, or the error
	}{
		{"no records", `{"records":[]}`, ``},
		{"unknown members are skipped", `{"a":[{"records":[]}],"records":[{"x":{"recordId":"no"},"recordId":"1","data":"e30="}],"b":null}`, `1 Ok`},
		{"a Kinesis source", `{"sourceKinesisStreamArn":"arn","records":[{"recordId":"1","data":"e30=","kinesisRecordMetadata":{"sequenceNumber":"2","subsequenceNumber":0,"partitionKey":"data","shardId":"s","approximateArrivalTimestamp":1}}]}`, `1 Ok`},
		{"data before recordId", `{"records":[{"data":"e30=","recordId":"1"},{"data":"eA==","recordId":"2"}]}`,
			`1 Ok 2 ProcessingFailed`},
		{"white space everywhere", " {\n\"records\" :\t[ { \"recordId\" : \"1\" , \"data\" : \"e30=\" } , {\"recordId\":\"2\",\"data\":\"\"} ] } \r\n", `1 Ok 2 ProcessingFailed`},
		{"an escaped id comes back as it was", `{"records":[{"recordId":"a\"\\\u00e9","data":"e30="}]}`, `a"\é Ok`},
		{"escaped keys", `{"r\u0065cords":[{"record\u0049d":"1","d\u0061ta":"e30="}]}`, `1 Ok`},
		{"an escaped slash in data", `{"records":[{"recordId":"1","data":"eyJhIjoi\/z8\/In0="}]}`,
			`1 ProcessingFailed`},
		{"an escaped slash in good data", `{"records":[{"recordId":"1","data":"eyJhIjoi77+\/In0="}]}`, `1 Ok`},
		{"an escaped quote in data", `{"records":[{"recordId":"1","data":"e3\"0="},{"recordId":"2","data":"e30="}]}`,
			`1 ProcessingFailed 2 Ok`},
		{"a backslash that ends data", `{"records":[{"recordId":"1","data":"e30=\\"},{"recordId":"2","data":"e30="}]}`,
			`1 ProcessingFailed 2 Ok`},
		{"an escaped line break in data", `{"records":[{"recordId":"1","data":"e3\n0="}]}`, `1 ProcessingFailed`},
		{"base64 without padding", `{"records":[{"recordId":"1","data":"e30"}]}`, `1 ProcessingFailed`},
		{"base64 with too much padding", `{"records":[{"recordId":"1","data":"e3=="},{"recordId":"2","data":"===="}]}`,
			`1 ProcessingFailed 2 ProcessingFailed`},
		{"URL-safe base64", `{"records":[{"recordId":"1","data":"eyJhIjoi77-_In0="}]}`, `1 ProcessingFailed`},
		{"data that is missing, null or no string",
			`{"records":[{"recordId":"1"},{"recordId":"2","data":null},{"recordId":"3","data":{"data":"e30="}},{"recordId":"4","data":"e30="}]}`,
			`1 ProcessingFailed 2 ProcessingFailed 3 ProcessingFailed 4 Ok`},
		{"an empty id", `{"records":[{"recordId":"","data":"e30="}]}`, ` Ok`},
		{"ids that come twice are answered twice",
			`{"records":[{"recordId":"1","data":"e30="},{"recordId":"1","data":""}]}`, `1 Ok 1 ProcessingFailed`},

		{"nothing", ``, `reading request: expected { at byte 0 of 0`},
		{"no object", `[]`, `reading request: expected { at byte 0 of 2`},
		{"no records member", `{}`, `reading request: no records at byte 2 of 2`},
		{"records null", `{"records":null}`, `reading request: expected [ at byte 11 of 16`},
		{"records twice", `{"records":[],"records":[]}`, `reading request: repeated records at byte 24 of 27`},
		{"no recordId", `{"records":[{"data":"e30="}]}`, `reading request: record without recordId at byte 27 of 29`},
		{"an empty record", `{"records":[{}]}`, `reading request: invalid syntax at byte 13 of 16`},
		{"recordId twice", `{"records":[{"recordId":"1","recordId":"2","data":""}]}`,
			`reading request: repeated recordId at byte 39 of 55`},
		{"data twice", `{"records":[{"recordId":"1","data":"","data":""}]}`,
			`reading request: repeated data at byte 45 of 50`},
		{"recordId that is no string", `{"records":[{"recordId":1,"data":""}]}`,
			`reading request: invalid syntax at byte 24 of 38`},
		{"a record that is no object", `{"records":["1"]}`, `reading request: expected { at byte 12 of 17`},
		{"a raw line break in data", "{\"records\":[{\"recordId\":\"1\",\"data\":\"e30=\n\"}]}",
			`reading request: invalid syntax at byte 40 of 45`},
		{"four raw line breaks in data", "{\"records\":[{\"recordId\":\"1\",\"data\":\"e30=\n\n\n\n\"}]}",
			`reading request: invalid syntax at byte 40 of 48`},
		{"an invalid escape in data", `{"records":[{"recordId":"1","data":"e30\x"}]}`,
			`reading request: invalid syntax at byte 40 of 45`},
		{"an invalid escape in the last four characters of data", `{"records":[{"recordId":"1","data":"0\00"}]}`,
			`reading request: invalid syntax at byte 38 of 44`},
		{"invalid UTF-8 in an id", "{\"records\":[{\"recordId\":\"\xff\",\"data\":\"\"}]}",
			`reading request: invalid UTF-8 at byte 25 of 40`},
		{"cut in data", `{"records":[{"recordId":"1","data":"e30=`, `reading request: unexpected end at byte 40 of 40`},
		{"cut after a record", `{"records":[{"recordId":"1","data":"e30="}`,
			`reading request: expected , or ] at byte 42 of 42`},
		{"a trailing comma", `{"records":[{"recordId":"1","data":"e30="},]}`,
			`reading request: expected { at byte 43 of 45`},
		{"a trailing comma in a record", `{"records":[{"recordId":"1",}]}`,
			`reading request: invalid syntax at byte 28 of 31`},
		{"more after the request", `{"records":[]} {}`, `reading request: expected nothing more at byte 15 of 17`},
		{"an invalid unknown member", `{"records":[],"x":tru}`, `reading request: invalid syntax at byte 21 of 22`},
	} {
		t.Run(c.rule, func(t *testing.T) {
			answer, err := newTestHandler(event.Lake, io.Discard, io.Discard).Invoke(context.Background(),
				[]byte(c.request))
			if err != nil {
				if err.Error() != c.want || answer != nil {
					t.Fatalf("%v, want %s", err, c.want)
				}
				return
			}
			var got []string
			for _, a := range readAnswer(t, answer) {
				a.text(t)
				got = append(got, a.RecordID+" "+a.Result)
			}
			if strings.Join(got, " ") != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestBase64 puts every byte at every place of good data, and compares with encoding/base64.
func TestBase64(t *testing.T) {
	var b batch
	for n := range 70 {
		data := []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("abc\xff\x00"), 14)[:n]))
		for at := range data {
			for c := range 256 {
				changed := bytes.Clone(data)
				changed[at] = byte(c)
				want, err := base64.StdEncoding.DecodeString(string(changed))
				valid := err == nil && !bytes.ContainsAny(changed, "\r\n") // which encoding/base64 skips
				if got := b.decodeText(changed); got != valid || valid && !bytes.Equal(b.decoded, want) {
					t.Fatalf("%q: %v %q, encoding/base64: %v %q", changed, got, b.decoded, err, want)
				}
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	var metrics, logs bytes.Buffer
	h := newHandler(t, Settings{Stream: event.Lake, DropEventTypes: []string{"heartbeat"}, Stack: "test-dev", LogLevel: -4},
		&metrics, &logs)
	times := []time.Time{testTime, testTime.Add(1500 * time.Microsecond)}
	h.now = func() time.Time { now := times[0]; times = append(times[1:], now); return now }
	request := sampleevents.Request([]byte(`{"secret":"s3cr3t"}`), []byte(`{"secret":s3cr3t}`),
		[]byte(`{"event_type":"heartbeat"}`), []byte(`{"amount":"s3cr3t"}`), []byte("s3cr3t"))
	answer := invoke(t, h, request)

	t.Run("one line in embedded metric format", func(t *testing.T) {
		if n := bytes.Count(metrics.Bytes(), []byte("\n")); n != 1 || !bytes.HasSuffix(metrics.Bytes(), []byte("\n")) {
			t.Fatalf("%d lines: %s", n, &metrics)
		}
		var line map[string]any
		if err := json.Unmarshal(metrics.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"Stack": "test-dev", "Stream": "lake", "Records": 5.0, "Ok": 2.0, "Dropped": 1.0, "ProcessingFailed": 2.0,
			"TooLarge":       0.0,
			"PartialRecords": 1.0, "InputBytes": float64(len(request)), "OutputBytes": float64(len(answer)),
			"Duration": 1.5,
		}
		for name, value := range want {
			if line[name] != value {
				t.Errorf("%s: %v, want %v", name, line[name], value)
			}
		}
		if got := fmt.Sprint(line["Reasons"]); got != "map[InvalidJson:2]" {
			t.Error(got)
		}
		aws := line["_aws"].(map[string]any)
		if aws["Timestamp"] != float64(testTime.Add(1500*time.Microsecond).UnixMilli()) {
			t.Error(aws["Timestamp"])
		}
		directive := aws["CloudWatchMetrics"].([]any)[0].(map[string]any)
		if directive["Namespace"] != "FirehosePipeline" || fmt.Sprint(directive["Dimensions"]) != "[[Stack Stream]]" {
			t.Error(directive)
		}
		declared := directive["Metrics"].([]any)
		if len(declared) != len(Metrics) {
			t.Error(declared)
		}
		for _, m := range declared {
			if _, ok := line[m.(map[string]any)["Name"].(string)].(float64); !ok {
				t.Errorf("%v is declared and has no value", m)
			}
		}
	})
	t.Run("no event content in logs", func(t *testing.T) {
		if strings.Contains(metrics.String()+logs.String(), "s3cr3t") {
			t.Fatal(metrics.String(), logs.String())
		}
		if !strings.Contains(logs.String(), "InvalidJson") {
			t.Error(logs.String())
		}
	})
}

func TestInvocationsAtOnce(t *testing.T) {
	var metrics bytes.Buffer
	h := newTestHandler(event.Lake, &metrics, io.Discard)
	requests := [][]byte{sampleevents.Request(storeEvents(t)[:50]...), sampleevents.Request(sampleevents.Mix(100)...),
		sampleevents.Request([]byte("{}{}")), sampleevents.Request()}
	var want []string
	for _, r := range requests {
		want = append(want, string(invoke(t, newTestHandler(event.Lake, io.Discard, io.Discard), r)))
	}
	var wait sync.WaitGroup
	answers := make([][]struct {
		got  []byte
		want string
	}, 8)
	for worker := range answers {
		wait.Go(func() {
			for i := range 20 {
				k := (i + worker) % len(requests)
				request := bytes.Clone(requests[k])
				answer, err := h.Invoke(context.Background(), request)
				clear(request) // the caller's again: nothing of it may be in the answer
				if err != nil {
					t.Errorf("worker %d, request %d: %v", worker, k, err)
				}
				answers[worker] = append(answers[worker], struct {
					got  []byte
					want string
				}{answer, want[k]})
			}
		})
	}
	wait.Wait()
	for worker := range answers { // only now: an answer is its caller's, whatever has been answered since
		for i, a := range answers[worker] {
			if string(a.got) != a.want {
				t.Fatalf("worker %d: answer %d is another", worker, i)
			}
		}
	}
	for line := range bytes.Lines(metrics.Bytes()) {
		if !json.Valid(line) {
			t.Fatalf("metric lines mixed up: %s", line)
		}
	}
	if n := bytes.Count(metrics.Bytes(), []byte("\n")); n != 8*20 {
		t.Errorf("%d metric lines", n)
	}
}

func TestReuseAnswer(t *testing.T) {
	settings := Settings{Stream: event.Lake, Stack: "x"}
	storeEvents := storeEvents(t)
	request := sampleevents.Request(storeEvents...)
	kept := newHandler(t, settings, io.Discard, io.Discard)
	first := invoke(t, kept, request)
	copied := bytes.Clone(first)
	invoke(t, kept, sampleevents.Request(sampleevents.Mix(500)...))
	if !bytes.Equal(first, copied) {
		t.Error("without ReuseAnswer an answer was overwritten")
	}
	settings.ReuseAnswer = true
	reused := newHandler(t, settings, io.Discard, io.Discard)
	for range 5 {
		if got := invoke(t, reused, request); len(got) != len(copied) {
			t.Errorf("%d bytes, want %d", len(got), len(copied))
		}
	}
	// The pool may lose its memory at a collection, which the race detector makes it do on purpose.
	if n := testing.AllocsPerRun(20, func() { invoke(t, reused, request) }); n > 0.2*500 {
		t.Errorf("%v allocations for 500 records", n)
	}
}

// TestLimit tries many sizes, with the smallest and the largest records, around the limit of the answer.
func TestLimit(t *testing.T) {
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB
	const lambdaLimit = 6_291_456
	// check fails when an answer passes the limit, and returns how many records were rejected for it.
	check := func(t *testing.T, h *Handler, request []byte, ids int) int {
		t.Helper()
		answer, err := h.Invoke(context.Background(), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(answer) > h.limit {
			t.Fatalf("%d bytes, limit %d", len(answer), h.limit)
		}
		if len(answer) > lambdaLimit {
			t.Fatalf("%d bytes, Lambda's limit is %d", len(answer), lambdaLimit)
		}
		failed := 0
		records := readAnswer(t, answer)
		for i, a := range records {
			if a.RecordID != sampleevents.RecordID(i) {
				t.Fatalf("answer %d is for %s", i, a.RecordID)
			}
			if a.Result == "ProcessingFailed" {
				failed++
			}
		}
		if len(records) != ids {
			t.Fatalf("%d answers, want %d", len(records), ids)
		}
		return failed
	}
	t.Run("every limit for a small batch", func(t *testing.T) {
		records := [][]byte{[]byte(`{}`), []byte(`{"event_type":"heartbeat"}`),
			[]byte(`{"a":"` + strings.Repeat("x", 300) + `"}`), []byte(`{`), []byte(`{}{}{}`), []byte(`{"b":1}`)}
		request := sampleevents.Request(records...)
		h := newTestHandler(event.Lake, io.Discard, io.Discard)
		full := len(invoke(t, h, request))
		shortestAnswer := len(answerStart) + len(answerEnd) - 1
		for i := range records {
			shortestAnswer += shortest + len(sampleevents.RecordID(i))
		}
		fewest := len(records)
		for h.limit = full + 100; h.limit >= shortestAnswer; h.limit-- {
			failed := check(t, h, request, len(records))
			if h.limit >= full && failed != 1 {
				t.Fatalf("limit %d: %d failed although there is room", h.limit, failed)
			}
			fewest = min(fewest, failed)
		}
		if fewest != 1 {
			t.Error(fewest)
		}
		if h.limit = shortestAnswer; check(t, h, request, len(records)) < 4 {
			t.Error("fits into less than it needs")
		}
		h.limit = shortestAnswer - 1
		if _, err := h.Invoke(context.Background(), request); err == nil ||
			!strings.HasPrefix(err.Error(), "answering request of ") {
			t.Fatalf("with no room for the shortest answers: %v", err)
		}
	})
	t.Run("random sizes and limits", func(t *testing.T) {
		random := rand.New(rand.NewPCG(9, 9))
		for range 150 {
			records := make([][]byte, 1+random.IntN(60))
			for i := range records {
				switch random.IntN(4) {
				case 0:
					records[i] = []byte(`{}`)
				case 1:
					records[i] = bytes.Repeat([]byte("{}"), random.IntN(300))
				default:
					records[i] = []byte(`{"a":"` + strings.Repeat("x", random.IntN(3000)) + `"}`)
				}
			}
			h := newTestHandler(event.Lake, io.Discard, io.Discard)
			h.limit = 120*len(records) + random.IntN(100_000)
			check(t, h, sampleevents.Request(records...), len(records))
		}
	})
	whole := func(t *testing.T, records [][]byte) (failed int) {
		t.Helper()
		var metrics bytes.Buffer
		h := newTestHandler(event.Lake, &metrics, io.Discard)
		failed = check(t, h, sampleevents.Request(records...), len(records))
		var line struct{ Records, Ok, ProcessingFailed, TooLarge int }
		if err := json.Unmarshal(metrics.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.TooLarge != failed || line.ProcessingFailed != failed || line.Ok != len(records)-failed ||
			line.Records != len(records) {
			t.Errorf("%+v counted, %d of %d failed", line, failed, len(records))
		}
		return failed
	}
	// tooMany is how many of n records have to be rejected, because not more of the others fit beside their shortest
	// answers.
	tooMany := func(t *testing.T, record []byte, n int) int {
		t.Helper()
		h := newTestHandler(event.Lake, io.Discard, io.Discard)
		one, two := len(invoke(t, h, sampleevents.Request(record))),
			len(invoke(t, h, sampleevents.Request(record, record)))
		accepted, refused := two-one, shortest+len(sampleevents.RecordID(0)) // bytes of an answer
		empty := one - accepted
		return n - min(n, (h.limit-empty-n*refused)/(accepted-refused))
	}
	t.Run("3 MB of the smallest records", func(t *testing.T) {
		n := (3 << 20) / 60
		want := tooMany(t, []byte(`{}`), n)
		// The shortest answers alone take 5.3 MB; some 7,500 longer ones fit besides.
		if want < n-8000 || want > n-7000 {
			t.Errorf("%d of %d do not fit", want, n)
		}
		if failed := whole(t, slices.Repeat([][]byte{[]byte(`{}`)}, n)); failed != want {
			t.Errorf("%d of %d failed, want %d", failed, n, want)
		}
	})
	t.Run("the largest records", func(t *testing.T) {
		largest := []byte(`{"a":"` + strings.Repeat("x", 1_024_000-8) + `"}`)
		if failed := whole(t, slices.Repeat([][]byte{largest}, 4)); failed != 0 {
			t.Errorf("%d of 4 failed", failed)
		}
		if failed := whole(t, slices.Repeat([][]byte{largest, []byte("{}")}, 6)); failed != 2 {
			t.Errorf("%d of 12 failed", failed)
		}
	})
	t.Run("every size of record", func(t *testing.T) {
		for _, total := range []int{512 << 10, 3 << 20} {
			for _, size := range []int{2, 30, 60, 90, 150, 1_000, 30_000, 1_024_000} {
				record := []byte(`{}`)
				if size > 2 {
					record = []byte(`{"a":"` + strings.Repeat("x", size-8) + `"}`)
				}
				// no request has more than 6 MB
				n := min(total/size, (6<<20-200)/(len(sampleevents.Request(record,
					record))-len(sampleevents.Request(record))))
				records := slices.Repeat([][]byte{record}, n)
				want := tooMany(t, record, n)
				if failed := whole(t, records); failed != want {
					t.Errorf("%d records of %d bytes: %d failed, want %d", n, size, failed, want)
				}
			}
		}
	})
	t.Run("0.5 MB of small records", func(t *testing.T) {
		small := []byte(`{"event_id":"e1","event_type":"view"}`)
		n := (512 << 10) / len(small)
		want := tooMany(t, small, n)
		if want != 0 {
			t.Errorf("%d of %d do not fit", want, n)
		}
		if failed := whole(t, slices.Repeat([][]byte{small}, n)); failed != want {
			t.Errorf("%d of %d failed, want %d", failed, n, want)
		}
	})
	t.Run("a record of very many objects", func(t *testing.T) {
		if failed := whole(t, [][]byte{[]byte(`{}`), bytes.Repeat([]byte("{}"), 500_000), []byte(`{}`)}); failed != 1 {
			t.Errorf("%d failed", failed)
		}
	})
}

// FuzzHandler puts two records into a batch with a good one, and checks what holds for every answer: each id once and
// in order, valid JSON within the limit, rejected what event.Check rejects, and of the rest what event.Processor makes
// of it (which FuzzProcessor holds against the contract), even when it comes again.
func FuzzHandler(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}{"b":2}`, `{"user_id":{},"x":{"y": [1]},"amount":"7"}`,
		`{"event_type":"heartbeat"}`, "\xff", `{"a":`, ``} {
		f.Add([]byte(seed), []byte(`{"category_id":"12","z":1e400}`), uint16(0))
	}
	f.Add([]byte(`{}`), []byte(`{}{}{}{}`), uint16(700))
	good := []byte(`{"event_id":"good"}`)
	handlers, processors := map[event.Stream]*Handler{}, map[event.Stream]*event.Processor{}
	for _, s := range []event.Stream{event.Lake, event.Search} {
		handlers[s] = newTestHandler(s, io.Discard, io.Discard)
		p, err := event.NewProcessor(shop, s, event.Options{DropEventTypes: []string{"heartbeat"}})
		if err != nil {
			f.Fatal(err)
		}
		processors[s] = p
		processors[s].SetTime(testTime)
	}
	f.Fuzz(func(t *testing.T, one, two []byte, limit uint16) {
		records := [][]byte{one, good, two}
		request := sampleevents.Request(records...)
		for stream, h := range handlers {
			h.limit = MaxAnswerBytes
			if limit >= 600 {
				h.limit = int(limit)
			}
			limited := h.limit < MaxAnswerBytes
			answer := invoke(t, h, request)
			for range 2 { // state kept from one record to the next changes nothing
				if again := invoke(t, h, request); !bytes.Equal(again, answer) {
					t.Fatalf("first %s\nthen  %s", answer, again)
				}
			}
			if len(answer) > h.limit || !json.Valid(answer) {
				t.Fatalf("%d bytes: %s", len(answer), answer)
			}
			got := readAnswer(t, answer)
			if len(got) != len(records) {
				t.Fatalf("%d answers", len(got))
			}
			for i, a := range got {
				if a.RecordID != sampleevents.RecordID(i) {
					t.Fatalf("answer %d is for %s", i, a.RecordID)
				}
				text := a.text(t)
				refused := event.Check(stream, records[i])
				switch {
				case a.Result == "ProcessingFailed":
					if refused == nil && !limited {
						t.Fatalf("%q failed and passes the check", records[i])
					}
				case refused != nil:
					t.Fatalf("%q is %s and the check says %v", records[i], a.Result, refused)
				case a.Result == "Ok":
					if want, _ := processors[stream].Append(nil, records[i], MaxAnswerBytes); string(want) != text {
						t.Fatalf("%q became %q, want %q", records[i], text, want)
					}
					if stream == event.Lake && !strings.HasSuffix(text, "\n") ||
						stream == event.Search && strings.Contains(text, "\n") {
						t.Fatalf("%s: %q", stream, text)
					}
					h.limit = MaxAnswerBytes // the whole answer has been checked
					again := readAnswer(t, invoke(t, h, sampleevents.Request([]byte(text))))
					if again[0].text(t) != text {
						t.Fatalf("once  %s\ntwice %s", text, again[0].text(t))
					}
				case a.Result != "Dropped":
					t.Fatal(a.Result)
				}
			}
		}
	})
}

// FuzzRequest compares the reading of requests with encoding/json's.
func FuzzRequest(f *testing.F) {
	f.Add(sampleevents.Request([]byte(`{}`), []byte(`x`)))
	for _, seed := range []string{
		`{"records":[]}`, `{"records":[{"recordId":"1","data":"e30="}]}`,
		`{"records":[{"data":"e3\/0=","recordId":"\u0031"} , {"recordId":"2","data":null}],"x":[1]}`,
		`{"records":[{"recordId":"1","data":"e3\"0="}]}`, "{\"records\":[{\"recordId\":\"1\",\"data\":\"e30=\n\"}]}",
		`{"records":[{"recordId":"1","recordId":"2"}]}`,
	} {
		f.Add([]byte(seed))
	}
	h := newTestHandler(event.Lake, io.Discard, io.Discard)
	f.Fuzz(func(t *testing.T, request []byte) {
		answer, err := h.Invoke(context.Background(), request)
		if err != nil {
			return
		}
		if !json.Valid(request) {
			t.Fatalf("accepted a request that is no JSON: %q", request)
		}
		// A map, because encoding/json matches the names of struct fields in any case.
		var members map[string]json.RawMessage
		if err := json.Unmarshal(request, &members); err != nil {
			t.Fatal(err)
		}
		var records []map[string]any
		if err := json.Unmarshal(members["records"], &records); err != nil {
			t.Fatal(err)
		}
		got := readAnswer(t, answer)
		if len(got) != len(records) {
			t.Fatalf("%d answers for %d records", len(got), len(records))
		}
		for i, a := range got {
			if a.RecordID != records[i]["recordId"] {
				t.Fatalf("answer %d is for %q, want %q", i, a.RecordID, records[i]["recordId"])
			}
			data, isString := records[i]["data"].(string)
			decoded, err := base64.StdEncoding.DecodeString(data)
			accepted := isString && err == nil && !strings.ContainsAny(data, "\r\n") &&
				event.Check(event.Lake, decoded) == nil
			if accepted != (a.Result != "ProcessingFailed") {
				t.Fatalf("record %d, %q: %s", i, data, a.Result)
			}
		}
	})
}
