package firehose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"firehose-pipeline/local/lambda"
)

// Developer Guide, "Transform source data": buffering hints of the processor.
func TestProcessorBuffer(t *testing.T) {
	lake := configuration(t, "json", "lake")
	sizes := func(w *world) string {
		var all []string
		for _, r := range w.requests {
			all = append(all, fmt.Sprint(len(r.Records)))
		}
		return strings.Join(all, " ")
	}
	t.Run("the buffer is sent before the record that would take it past its size", func(t *testing.T) {
		w := open(t, lake, echo, nil)
		record := strings.Repeat("a", 100_000)
		w.put(0, record, record, record, record, record, record, record)
		w.flush()
		w.want("records a request", sizes(w), "5 2")
	})
	t.Run("a record above the size goes alone", func(t *testing.T) {
		w := open(t, lake, echo, nil)
		w.put(0, "a", strings.Repeat("b", MaxRecordBytes), "c")
		w.flush()
		w.want("records a request", sizes(w), "1 1 1")
	})
	t.Run("the buffer is sent when its interval is over", func(t *testing.T) {
		w := open(t, lake, echo, nil)
		w.put(0, "a")
		w.put(10*time.Second-1, "b")
		w.put(10*time.Second, "c")
		w.flush()
		w.want("records a request", sizes(w), "2 1")
	})
	t.Run("time that passes without records sends it too", func(t *testing.T) {
		w := open(t, lake, echo, nil)
		w.put(0, "a")
		for _, after := range []time.Duration{9 * time.Second, 10 * time.Second, 11 * time.Second} {
			if err := w.Tick(start.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		w.put(12*time.Second, "b")
		w.flush()
		w.want("records a request", sizes(w), "1 1")
	})
	t.Run("an interval of 0 sends at once", func(t *testing.T) {
		immediate := lake
		processor := *lake.Transform
		processor.Interval = 0
		immediate.Transform = &processor
		w := open(t, immediate, echo, nil)
		w.put(0, "a", "b")
		w.put(0, "c")
		w.flush()
		w.want("records a request", sizes(w), "2 1")
	})
	t.Run("a request never passes Lambda's 6 MB, however small the records", func(t *testing.T) {
		longest := 0
		w := open(t, lake, nil, func(o *Options) {
			o.Invoke = func(_ context.Context, payload []byte) (lambda.Result, error) {
				longest = max(longest, len(payload))
				return lambda.Result{Payload: bytes.ReplaceAll(payload, []byte(`,"data":`),
					[]byte(`,"result":"Ok","data":`))}, nil
			}
		})
		records := make([]string, 60_000)
		for i := range records {
			records[i] = "a"
		}
		w.put(0, records...)
		w.flush()
		if longest > lambda.RequestLimit || longest < lambda.RequestLimit-1000 {
			t.Errorf("longest request: got %d bytes, want just under %d", longest, lambda.RequestLimit)
		}
		w.want("delivered", w.Counts().Delivered, 60_000)
	})
}

// aws-lambda-go, events.KinesisFirehoseEvent; Developer Guide, "Transform source data".
func TestRequest(t *testing.T) {
	w := open(t, configuration(t, "json", "lake"), echo, nil)
	w.put(0, "first")
	w.put(1500*time.Millisecond, "\x00\xff")
	w.flush()
	r := w.requests[0]
	w.want("stream", r.DeliveryStreamArn, w.o.Stream.ARN)
	w.want("region", r.Region, "us-east-1")
	w.want("kinesis stream", r.SourceKinesisStreamArn, "")
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(r.InvocationID) {
		t.Errorf("invocation id: got %q, want a uuid", r.InvocationID)
	}
	if len(r.Records) != 2 || string(r.Records[0].Data) != "first" || string(r.Records[1].Data) != "\x00\xff" {
		t.Fatalf("records: got %v", r.Records)
	}
	for i, after := range []time.Duration{0, 1500 * time.Millisecond} {
		w.want("arrival", r.Records[i].ApproximateArrivalTimestamp.UnixMilli(), start.Add(after).UnixMilli())
		w.want("record id", r.Records[i].RecordID, RecordID{w.ids, int64(i)})
	}
	if !regexp.MustCompile(`^49[0-9]{54}$`).MatchString(r.Records[0].RecordID) {
		t.Errorf("record id: got %q, want 56 digits", r.Records[0].RecordID)
	}
}

// Developer Guide, "Transform source data", failure handling; attemptsMade as in a published error object.
func TestRetries(t *testing.T) {
	lake := configuration(t, "json", "lake")
	failing := func(times int, err error) (handler, *int) {
		calls := 0
		return func(request events.KinesisFirehoseEvent) (any, error) {
			if calls++; calls <= times {
				return nil, err
			}
			return echo(request)
		}, &calls
	}
	for _, c := range []struct {
		name string
		err  error
		code string
	}{
		{"a function error is tried NumberOfRetries more times, then every record fails", errors.New("boom"),
			"Lambda.FunctionError"},
		{"a timeout is tried NumberOfRetries more times, then every record fails", context.DeadlineExceeded,
			"Lambda.FunctionTimedOut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			function, calls := failing(100, c.err)
			w := open(t, lake, function, nil)
			w.put(0, "a", "b")
			w.flush()
			w.want("calls", *calls, 4)
			failures := w.failures("error-data/lake/processing-failed/")
			w.want("failures", len(failures), 2)
			for i, raw := range []string{"YQ==", "Yg=="} {
				f := failures[i]
				w.want("code, attempts, data", []any{f["errorCode"], f["attemptsMade"], f["rawData"]},
					[]any{c.code, 4, raw})
			}
			w.want("failed", w.Counts().Failed, 2)
		})
	}
	t.Run("an invocation that succeeds in the end counts like any other", func(t *testing.T) {
		function, calls := failing(3, errors.New("boom"))
		w := open(t, lake, function, nil)
		w.put(0, "a")
		w.flush()
		w.want("calls", *calls, 4)
		w.want("delivered and failed", []int64{w.Counts().Delivered, w.Counts().Failed}, []int64{1, 0})
	})
	t.Run("an invocation that takes more than five minutes has timed out", func(t *testing.T) {
		w := open(t, lake, nil, func(o *Options) {
			o.Invoke = func(ctx context.Context, _ []byte) (lambda.Result, error) {
				deadline, ok := ctx.Deadline()
				if left := time.Until(deadline); !ok || left > 5*time.Minute || left < 4*time.Minute {
					t.Errorf("time for an invocation: got %s, want 5m", left)
				}
				return lambda.Result{}, context.DeadlineExceeded
			}
		})
		w.put(0, "a")
		w.flush()
		w.want("code", w.failures("error-data/")[0]["errorCode"], "Lambda.FunctionRequestTimedOut")
	})
}

// The outcome of each record of a response. Where the Developer Guide says that a missing or repeated id fails the
// whole batch, probes on AWS (September 2026) saw the record fail alone; so does the model.
func TestAnswers(t *testing.T) {
	lake := configuration(t, "json", "lake")
	special := func(answer func(id, data string) string) handler {
		return func(request events.KinesisFirehoseEvent) (any, error) {
			var parts []string
			for i, r := range request.Records {
				if i == 1 {
					if part := answer(r.RecordID, "bmV3"); part != "" {
						parts = append(parts, part)
					}
					continue
				}
				parts = append(parts, fmt.Sprintf(`{"recordId":%q,"result":"Ok","data":"bmV3"}`, r.RecordID))
			}
			return `{"records":[` + strings.Join(parts, ",") + `]}`, nil
		}
	}
	// Three records are put; the answer to the second one is the case.
	for _, c := range []struct {
		name, answer string // %[1]s is the record's id
		delivered    string
		code         string // of the failure; "dropped" for none
	}{
		{"Ok replaces the data", `{"recordId":"%[1]s","result":"Ok","data":"eA=="}`, "newxnew", ""},
		{"Ok with empty data delivers nothing of it", `{"recordId":"%[1]s","result":"Ok","data":""}`, "newnew", ""},
		{"members come in any order, unknown ones are passed over",
			`{"metadata":{"partitionKeys":{"data":"a"}},"data":"eA==","x":[1,{}],"result":"Ok","recordId":"%[1]s"}`,
			"newxnew", ""},
		{"escapes are undone", `{"record\u0049d":"%[1]s","result":"\u004fk","data":"e\u0041=="}`, "newxnew", ""},
		{"escaped slashes are undone", `{"recordId":"%[1]s","result":"Ok","data":"eC94\/w=="}`, "newx/x\xffnew", ""},
		{"white space is passed over", ` { "recordId" : "%[1]s" , "result" : "Ok" , "data" : "eA==" } `, "newxnew", ""},
		{"Dropped leaves nothing", `{"recordId":"%[1]s","result":"Dropped","data":"eA=="}`, "newnew", "dropped"},
		{"ProcessingFailed fails the record as it was received",
			`{"recordId":"%[1]s","result":"ProcessingFailed","data":"eA=="}`, "newnew",
			"Lambda.ProcessingFailedStatus"},
		{"a missing record fails alone", ``, "newnew", "Lambda.MissingRecordId"},
		{"a record without its id is missing", `{"result":"Ok","data":"eA=="}`, "newnew", "Lambda.MissingRecordId"},
		{"an id that was not sent is passed over", `{"recordId":"49","result":"Ok","data":"eA=="}`, "newnew",
			"Lambda.MissingRecordId"},
		{"what is no object is passed over", `null,7,"x"`, "newnew", "Lambda.MissingRecordId"},
		{"a record answered twice fails alone",
			`{"recordId":"%[1]s","result":"Ok","data":"eA=="},{"recordId":"%[1]s","result":"Ok","data":"eA=="}`,
			"newnew", "Lambda.DuplicatedRecordId"},
		{"Ok without data fails alone", `{"recordId":"%[1]s","result":"Ok"}`, "newnew", "Lambda.FunctionError"},
		{"Ok with null data fails alone", `{"recordId":"%[1]s","result":"Ok","data":null}`, "newnew",
			"Lambda.FunctionError"},
		{"Ok with data that is no base64 fails alone", `{"recordId":"%[1]s","result":"Ok","data":"e?=="}`, "newnew",
			"Lambda.FunctionError"},
		{"the result is case-sensitive", `{"recordId":"%[1]s","result":"ok","data":"eA=="}`, "newnew",
			"Lambda.FunctionError"},
		{"a record without result fails alone", `{"recordId":"%[1]s","data":"eA=="}`, "newnew", "Lambda.FunctionError"},
		{"an empty object is passed over", `{}`, "newnew", "Lambda.MissingRecordId"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := open(t, lake, special(func(id, _ string) string {
				return strings.ReplaceAll(c.answer, "%[1]s", id)
			}), nil)
			w.put(0, "a", "original", "c")
			w.flush()
			_, bodies := w.under("transformed-data/")
			w.want("delivered", strings.Join(bodies, "|"), c.delivered)
			counts := w.Counts()
			failures := w.failures("error-data/lake/processing-failed/")
			switch c.code {
			case "":
				w.want("counts", []int64{counts.Delivered, counts.Dropped, counts.Failed}, []int64{3, 0, 0})
				w.want("failures", len(failures), 0)
			case "dropped":
				w.want("counts", []int64{counts.Delivered, counts.Dropped, counts.Failed}, []int64{2, 1, 0})
				w.want("failures", len(failures), 0)
			default:
				w.want("counts", []int64{counts.Delivered, counts.Dropped, counts.Failed}, []int64{2, 0, 1})
				w.want("failures", len(failures), 1)
				f := failures[0]
				w.want("code, attempts, data", []any{f["errorCode"], f["attemptsMade"], f["rawData"]},
					[]any{c.code, 1, "b3JpZ2luYWw="})
				w.want("arrival", fmt.Sprintf("%.0f", f["arrivalTimestamp"]), start.UnixMilli())
				w.want("function", f["lambdaARN"], w.o.Stream.Transform.FunctionARN)
			}
		})
	}
	for _, answer := range []string{``, `null`, `[]`, `{}`, `{"records":null}`, `{"records":{}}`, `{"records":[`,
		`{"records":[]} x`, `{"other":[]}`, `"x"`} {
		t.Run("an answer that is no array of records fails the batch, and is final: "+answer, func(t *testing.T) {
			w := open(t, lake, func(events.KinesisFirehoseEvent) (any, error) { return answer, nil }, nil)
			w.put(0, "a", "b")
			w.flush()
			w.want("calls", len(w.requests), 1)
			failures := w.failures("error-data/lake/processing-failed/")
			w.want("failures", len(failures), 2)
			w.want("code, attempts", []any{failures[0]["errorCode"], failures[0]["attemptsMade"]},
				[]any{"Lambda.FunctionError", 1})
		})
	}
	t.Run("an empty array misses every record", func(t *testing.T) {
		w := open(t, lake, func(events.KinesisFirehoseEvent) (any, error) { return `{"records":[]}`, nil }, nil)
		w.put(0, "a")
		w.flush()
		w.want("code", w.failures("error-data/")[0]["errorCode"], "Lambda.MissingRecordId")
	})
	t.Run("records are delivered in their own order, not the answer's", func(t *testing.T) {
		w := open(t, lake, func(r events.KinesisFirehoseEvent) (any, error) {
			var parts []string
			for _, r := range r.Records {
				parts = append([]string{fmt.Sprintf(`{"recordId":%q,"result":"Ok","data":"%s"}`, r.RecordID,
					map[string]string{"a": "YQ==", "b": "Yg==", "c": "Yw=="}[string(r.Data)])}, parts...)
			}
			return `{"records":[` + strings.Join(parts, ",") + `]}`, nil
		}, nil)
		w.put(0, "a", "b", "c")
		w.flush()
		_, bodies := w.under("transformed-data/")
		w.want("delivered", bodies, "[abc]")
	})
}

func TestInvocationsAtOnce(t *testing.T) {
	lake := configuration(t, "json", "lake")
	processor := *lake.Transform
	processor.Interval = 0 // each put is a batch
	lake.Transform = &processor
	t.Run("records keep their order when a later invocation ends first", func(t *testing.T) {
		second := make(chan struct{})
		w := open(t, lake, func(r events.KinesisFirehoseEvent) (any, error) {
			if string(r.Records[0].Data) == "a" {
				<-second
			} else if string(r.Records[0].Data) == "b" {
				defer close(second)
			}
			return echo(r)
		}, func(o *Options) { o.Invocations = 2 })
		w.put(0, "a")
		w.put(0, "b")
		w.put(0, "c")
		w.flush()
		_, bodies := w.under("transformed-data/")
		w.want("delivered", bodies, "[abc]")
	})
	t.Run("no more than five run at once", func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		full := make(chan struct{})
		w := open(t, lake, func(r events.KinesisFirehoseEvent) (any, error) {
			mu.Lock()
			if running++; running == MaxInvocations {
				close(full)
			}
			most = max(most, running)
			mu.Unlock()
			<-full
			mu.Lock()
			running--
			if running == 0 {
				full = make(chan struct{})
				close(full)
			}
			mu.Unlock()
			return echo(r)
		}, func(o *Options) { o.Invocations = 50 })
		for range MaxInvocations {
			w.put(0, "a")
		}
		w.flush()
		w.want("at once", most, MaxInvocations)
	})
}
