package firehose

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Developer Guide, "Data delivery failure handling" for OpenSearch: rejected documents are retried until the retry
// duration is over, then goes to S3. Which statuses are tried again, and how long the pauses are, is assumed.
func TestBulk(t *testing.T) {
	const index = "realtime-events-2026-09-21"
	const failed = "error-data/search/AmazonOpenSearchService-failed/"
	const ok = `{"errors":false,"items":[]}`
	type answer struct {
		status int
		body   string
		err    error
	}
	// run puts three documents to an OpenSearch that gives these answers, the last one again and again.
	run := func(t *testing.T, retry time.Duration, answers ...answer) (w *world, requests []string) {
		t.Helper()
		s := configuration(t, "untransformed", "search")
		s.Search.RetryDuration = retry
		w = open(t, s, nil, func(o *Options) {
			o.Search = bulk(func(at time.Time, documents []sent) (int, string, error) {
				var line strings.Builder
				fmt.Fprintf(&line, "%v:", at.Sub(start.Truncate(time.Second)).Truncate(time.Second))
				for _, d := range documents {
					if d.index != index || !strings.HasSuffix(d.id, ".0") {
						t.Errorf("document %+v", d)
					}
					line.WriteString(" " + d.source)
				}
				requests = append(requests, line.String())
				a := answers[min(len(requests), len(answers))-1]
				return a.status, a.body, a.err
			})
		})
		w.put(0, `{"a":1}`, `{"a":2}`, `{"a":3}`)
		w.flush()
		return w, requests
	}
	item := func(status int) string {
		if status == 201 {
			return `{"index":{"status":201}}`
		}
		return fmt.Sprintf(`{"index":{"status":%d,"error":{"type":"no_%d"}}}`, status, status)
	}
	items := func(statuses ...int) answer {
		var list []string
		for _, s := range statuses {
			list = append(list, item(s))
		}
		return answer{200, `{"took":1,"errors":true,"items":[` + strings.Join(list, ",") + `]}`, nil}
	}
	const all = ` {"a":1} {"a":2} {"a":3}`

	t.Run("a document that is refused for good fails alone, at once, with OpenSearch's reason", func(t *testing.T) {
		w, requests := run(t, 10*time.Minute, items(201, 400, 201))
		w.want("requests", len(requests), 1)
		f := w.failures(failed)
		w.want("failures", len(f), 1)
		w.want("what", []any{f[0]["errorCode"], f[0]["errorMessage"], f[0]["attemptsMade"], f[0]["rawData"],
			f[0]["esDocumentId"]},
			[]any{"400", `{"type":"no_400"}`, 1, base64.StdEncoding.EncodeToString([]byte(`{"a":2}`)),
				RecordID{w.ids, 1}.String() + ".0"})
		w.want("counts", w.Counts().Indices, map[string]int64{index: 2})
	})
	for _, status := range []int{401, 403, 408, 429, 500, 503} {
		t.Run(fmt.Sprintf("documents with %d are sent again, alone", status), func(t *testing.T) {
			w, requests := run(t, 10*time.Minute, items(201, status, status), items(status, 201), answer{200, ok, nil})
			w.want("requests", strings.Join(requests, "|"), `0s:`+all+`|1s: {"a":2} {"a":3}|3s: {"a":2}`)
			w.want("delivered, failed", []int64{w.Counts().Delivered, w.Counts().Failed}, []int64{3, 0})
		})
		t.Run(fmt.Sprintf("a request with %d is sent again", status), func(t *testing.T) {
			w, requests := run(t, 10*time.Minute, answer{status, "no", nil}, answer{200, ok, nil})
			w.want("requests", strings.Join(requests, "|"), `0s:`+all+`|1s:`+all)
			w.want("delivered, failed", []int64{w.Counts().Delivered, w.Counts().Failed}, []int64{3, 0})
		})
	}
	for name, a := range map[string]answer{
		"no answer":                    {0, "", errors.New("connection refused")},
		"an answer that is no JSON":    {200, "<html>", nil},
		"an answer without errors":     {200, "{}", nil},
		"fewer items than documents":   items(201, 400),
		"more items than were counted": {200, `{"errors":false,"items":[` + item(201) + `]}`, nil},
	} {
		t.Run(name+": the request is sent again until the retry duration is over, then goes to S3", func(t *testing.T) {
			w, requests := run(t, 10*time.Second, a)
			w.want("requests", strings.Join(requests, "|"), `0s:`+all+`|1s:`+all+`|3s:`+all+`|7s:`+all+`|10s:`+all)
			f := w.failures(failed)
			w.want("failures", len(f), 3)
			w.want("code, attempts", []any{f[0]["errorCode"], f[0]["attemptsMade"]}, []any{"OS.ServiceException", 5})
			if message := fmt.Sprint(f[0]["errorMessage"]); a.err != nil && message != a.err.Error() || message == "" {
				t.Errorf("message %q", message)
			}
			w.want("took", f[0]["attemptEndingTimestamp"].(float64)-f[0]["arrivalTimestamp"].(float64), 10000)
		})
	}
	t.Run("a refusal that stays goes to S3 with its status", func(t *testing.T) {
		w, _ := run(t, 5*time.Second, answer{403, `{"error":"no permissions"}`, nil})
		f := w.failures(failed)
		w.want("failures", []any{len(f), f[2]["errorCode"], f[2]["errorMessage"]},
			[]any{3, "403", `{"error":"no permissions"}`})
	})
	t.Run("without a retry duration there is one try", func(t *testing.T) {
		_, requests := run(t, 0, answer{503, "", nil})
		if len(requests) != 1 {
			t.Errorf("got %q", requests)
		}
	})
	t.Run("a request that is too large fails as a whole, at once", func(t *testing.T) {
		w, requests := run(t, 10*time.Minute, answer{413, "too large", nil})
		w.want("requests", len(requests), 1)
		w.want("failures", []any{len(w.failures(failed)), w.failures(failed)[0]["errorCode"]}, []any{3, "413"})
	})
	t.Run("the next request waits until the one before is done with", func(t *testing.T) {
		s := configuration(t, "untransformed", "search")
		var times []time.Duration
		w := open(t, s, nil, func(o *Options) {
			o.Search = bulk(func(at time.Time, documents []sent) (int, string, error) {
				times = append(times, at.Sub(start))
				if len(times) < 3 {
					return 429, "", nil
				}
				return 200, ok, nil
			})
		})
		w.put(0, `{}`)
		w.put(61*time.Second, `{}`)
		w.put(122*time.Second, `{}`)
		w.flush()
		w.want("times", times, []time.Duration{time.Minute, 61 * time.Second, 63 * time.Second, 121 * time.Second,
			122 * time.Second})
	})
	t.Run("pauses are told, double, and end at a minute", func(t *testing.T) {
		s := configuration(t, "untransformed", "search")
		var pauses []time.Duration
		w := open(t, s, nil, func(o *Options) {
			o.Pause = func(_ context.Context,
				d time.Duration) error {
				pauses = append(pauses, d/time.Second)
				return nil
			}
			o.Search = bulk(func(time.Time, []sent) (int, string, error) { return 503, "", nil })
		})
		w.put(0, `{}`)
		w.flush()
		w.want("seconds", fmt.Sprintf("%d", pauses), "[1 2 4 8 16 32 60 60 60 60 60 60 60 60 57]")
	})
	t.Run("a stream that ends waits no longer", func(t *testing.T) {
		s := configuration(t, "untransformed", "search")
		waiting := make(chan struct{})
		w := open(t, s, nil, func(o *Options) {
			o.Pause = func(ctx context.Context,
				_ time.Duration) error {
				close(waiting)
				<-ctx.Done()
				return ctx.Err()
			}
			o.Search = bulk(func(time.Time, []sent) (int, string, error) { return 503, "", nil })
		})
		w.put(0, `{}`)
		for after := range 2 { // the first takes the record to the buffer, the second ends its interval
			if err := w.Tick(start.Add(time.Duration(after) * time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		<-waiting
		w.Close()
		w.want("failed", w.Counts().Failed, 0)
	})
	t.Run("without a document id OpenSearch gives one", func(t *testing.T) {
		s := configuration(t, "untransformed", "search")
		s.Search.DocumentID = "NO_DOCUMENT_ID"
		w := open(t, s, nil, func(o *Options) {
			o.Search = bulk(func(_ time.Time, documents []sent) (int, string, error) {
				if documents[0].id != "" {
					t.Errorf("got %q", documents[0].id)
				}
				return 200, ok, nil
			})
		})
		w.put(0, `{}`)
		w.flush()
	})
	t.Run("ids differ between runs", func(t *testing.T) {
		a, b := newRecordIDs("arn", "one run"), newRecordIDs("arn", "another")
		if a == b || len(a.prefix) != idPrefix {
			t.Errorf("got %v, %v", a, b)
		}
	})
}
