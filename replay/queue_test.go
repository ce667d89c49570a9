package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	localsqs "firehose-pipeline/local/sqs"
)

var (
	yesterday  = start.Add(-24 * time.Hour)
	functionEr = "Lambda.FunctionError"
)

func TestQueue(t *testing.T) {
	t.Run("records go back to their stream, and their letters are deleted", func(t *testing.T) {
		w := newWorld()
		lake := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...)
		search := newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(25)...)
		w.queue.send(append(lake.letters, search.letters...)...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 60})
		wantTaken(t, w.lake, ids(35)...)
		wantTaken(t, w.search, ids(25)...)
		w.wantQueue(t, 0)
		if report.Waiting != 60 || report.Put[event.Lake].Records != 35 || len(report.Groups) != 2 || report.Groups[0].Letters != 35 ||
			!report.Groups[0].First.Equal(yesterday) || report.Groups[0].Sample.Text != "it failed" || report.Left() != 0 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a look changes nothing, counts each letter once and brings all back into sight", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...)
		w.queue.send(append(o.letters, o.letters[:5]...)...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 35})
		if report.Repeated != 5 || report.More || report.Records[Matching] != 35 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 40)
		for _, m := range w.queue.messages {
			if m.receives != 1 {
				t.Errorf("message %s was received %d times", m.id, m.receives)
			}
		}
	})
	t.Run("a look says when there is more than it looks at", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Limit = false, 10
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 10})
		if !report.More || report.Waiting != 35 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 35)
	})
	t.Run("no more is put back than the limit, whatever is passed over on the way", func(t *testing.T) {
		w := newWorld()
		w.Limit, w.Filter = 10, Filter{Streams: []event.Stream{event.Lake}}
		w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(35)...).letters...)
		w.queue.send(newErrorObject(t, event.Lake, "b", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		if report.Letters[Replayed] != 10 || len(w.lake.taken) != 10 || len(w.search.taken) != 0 {
			t.Errorf("got %+v", report)
		}
		w.wantQueue(t, 60)
	})
	t.Run("the same letter twice is put back once, and both messages are deleted", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(25)...)
		w.queue.send(append(o.letters, o.letters...)...)
		w.run(t)
		wantTaken(t, w.lake, ids(25)...)
		w.wantQueue(t, 0)
	})
	t.Run("a message that comes into sight while it is worked on is put back once and deleted by its newest receipt", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(25)...).letters...)
		times := 0
		w.lake.call = func(context.Context) error { // its visibility is over before Firehose answers
			if times++; times <= 2 {
				w.queue.appear()
			}
			return nil
		}
		w.workers = 1
		w.run(t)
		for range 3 { // what was received twice has come back, and is known
			w.run(t)
		}
		wantTaken(t, w.lake, ids(25)...)
		w.wantQueue(t, 0)
	})
	t.Run("a letter that cannot be deleted is reported, and not put back again by a run with the same state", func(t *testing.T) {
		w := newWorld()
		state := filepath.Join(t.TempDir(), "state")
		w.Journal = openJournal(t, state)
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(15)...)
		w.queue.send(o.letters...)
		w.queue.undeletable = func(int) bool { return true }
		report := w.run(t)
		if report.Undeleted != 15 || report.Left() != 15 {
			t.Errorf("got %+v", report)
		}
		closeJournal(t, w.Journal)
		w.queue.undeletable = func(try int) bool { return try%2 == 1 } // each one needs a second try
		w.queue.appear()
		w.Journal = openJournal(t, state)
		wantLetters(t, w.run(t), map[Outcome]int64{AlreadyReplayed: 15})
		wantTaken(t, w.lake, ids(15)...)
		w.wantQueue(t, 0)
	})
	t.Run("letters of records that the stream does not take stay", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...)
		w.queue.send(o.letters...)
		w.lake.refuse = func(data string) string {
			if strings.Contains(data, "e-0003") {
				return "InternalFailure" // the patience, a nanosecond, is over by then
			}
			return ""
		}
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(), "putting to l: took nothing for 1ns: api error InternalFailure") {
			t.Errorf("got %v", err)
		}
		wantLetters(t, report, map[Outcome]int64{Replayed: 4, Open: 1})
		wantTaken(t, w.lake, slices.Delete(ids(5), 3, 4)...)
		w.wantQueue(t, 1)
	})
	t.Run("a stream that refuses the call ends the run; what the other took is deleted", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(5)...).letters...)
		w.lake.call = func(context.Context) error { return &smithy.GenericAPIError{Code: "ResourceNotFoundException"} }
		report, err := w.FromQueue(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Errorf("got %v", err)
		}
		wantLetters(t, report, map[Outcome]int64{Replayed: 5, Open: 5})
		w.wantQueue(t, 5)
	})
	t.Run("an interruption finishes what it has and brings the rest back", func(t *testing.T) {
		w := newWorld()
		w.workers = 2
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(100)...).letters...)
		soft, interrupt := context.WithCancel(t.Context())
		w.lake.call = func(context.Context) error { interrupt(); return nil }
		report, err := w.FromQueue(soft, t.Context())
		if err != nil || !report.Interrupted {
			t.Errorf("got %+v, %v", report, err)
		}
		if n := int(report.Letters[Replayed]); n == 0 || n > 20 || n != len(w.lake.taken) {
			t.Errorf("put back %d, took %d", n, len(w.lake.taken))
		} else {
			w.wantQueue(t, 100-n)
		}
	})
	t.Run("filters select by stream, stage, reason and time", func(t *testing.T) {
		older := yesterday.Add(-24 * time.Hour)
		for _, c := range []struct {
			rule   string
			filter Filter
			want   int
		}{
			{"all", Filter{}, 6},
			{"stream", Filter{Streams: []event.Stream{event.Search}}, 2},
			{"stage", Filter{Stages: []errorobject.Stage{errorobject.Transform}}, 6},
			{"other stage", Filter{Stages: []errorobject.Stage{errorobject.Conversion}}, 0},
			{"reason", Filter{Reasons: []deadletter.Reason{deadletter.FunctionTimeout}}, 1},
			{"from", Filter{From: yesterday}, 3},
			{"to", Filter{To: yesterday}, 3},
			{"from and to", Filter{From: older, To: older.Add(time.Millisecond)}, 3},
		} {
			t.Run(c.rule, func(t *testing.T) {
				w := newWorld()
				w.Filter = c.filter
				w.queue.send(newErrorObject(t, event.Lake, "a", older, functionEr, ids(3)...).letters...)
				w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, ids(2)...).letters...)
				w.queue.send(newErrorObject(t, event.Lake, "c", yesterday, "Lambda.FunctionTimedOut", `{"event_id":"f"}`).letters...)
				report := w.run(t)
				if report.Letters[Replayed] != int64(c.want) || report.Letters[Filtered] != int64(6-c.want) || report.Left() != 0 {
					t.Errorf("got %v, want %d", report.Letters, c.want)
				}
				w.wantQueue(t, 6-c.want)
			})
		}
	})
	t.Run("what the check refuses stays, unless it is wanted", func(t *testing.T) {
		for _, refused := range []bool{false, true} {
			w := newWorld()
			w.Refused = refused
			w.queue.send(newErrorObject(t, event.Search, "a", yesterday, "Lambda.ProcessingFailedStatus", `{"event_id":`, " ").letters...)
			report := w.run(t)
			if refused {
				wantTaken(t, w.search, `{"event_id":`, " ")
				w.wantQueue(t, 0)
			} else {
				wantLetters(t, report, map[Outcome]int64{Refused: 2})
				wantTaken(t, w.search)
				w.wantQueue(t, 2)
			}
		}
	})
	t.Run("a record of several objects is split", func(t *testing.T) {
		w := newWorld()
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, "Lambda.ProcessingFailedStatus", "{\"a\":1}\n{\"a\":\n{\"a\":2}{\"a\":3}\n").letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		wantTaken(t, w.lake, `{"a":1}`, `{"a":`, `{"a":2}`, `{"a":3}`)
		w.wantQueue(t, 0)
	})
	t.Run("what the index has in a newer version stays, unless it is asked for by its reason", func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			w := newWorld()
			m := newErrorObject(t, event.Search, "a", yesterday, "409", "{}").records[0]
			m.Stage, m.Reason = errorobject.Search, deadletter.SearchConflict
			w.queue.send(encode(t, m))
			if asked {
				w.Filter.Reasons = []deadletter.Reason{deadletter.SearchConflict}
				wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
			} else {
				wantLetters(t, w.run(t), map[Outcome]int64{InStore: 1})
				w.wantQueue(t, 1)
			}
		}
	})
	t.Run("a record that the transform has made too large stays", func(t *testing.T) {
		w := newWorld()
		m := newErrorObject(t, event.Search, "a", yesterday, functionEr, "{}").records[0]
		m.RawData, m.Truncated = nil, true
		document, err := errorobject.AppendDocument(nil, errorobject.SearchFailed{RawData: []byte(`{"a":"` + strings.Repeat("x", 1024000) + `"}`), ErrorCode: "503"})
		if err != nil {
			t.Fatal(err)
		}
		w.objects.put(m.Pointer.Key, document, yesterday)
		m.Pointer.Length = int64(len(document)) - 1
		w.queue.send(encode(t, m))
		wantLetters(t, w.run(t), map[Outcome]int64{TooLarge: 1})
		w.wantQueue(t, 1)
	})
	t.Run("a letter without its record is followed to the object, over broken connections, zipped or not", func(t *testing.T) {
		for _, zipped := range []bool{false, true} {
			w := newWorld()
			o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(40)...)
			content := o.content
			if zipped {
				content = zip(t, content)
			}
			w.objects.put(o.source.Key, content, yesterday)
			w.objects.breaks = 100
			for _, i := range []int{0, 20, 39} {
				m := o.records[i]
				m.Truncate()
				if zipped {
					m.Pointer.Encoding = "gzip"
				}
				w.queue.send(encode(t, m))
			}
			gone := newErrorObject(t, event.Lake, "gone", yesterday, functionEr, "{}").records[0]
			gone.Truncate()
			w.queue.send(encode(t, gone))
			wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 3, ObjectMissing: 1})
			wantTaken(t, w.lake, ids(40)[0], ids(40)[20], ids(40)[39])
			w.wantQueue(t, 1)
			if zipped {
				continue
			}
			for _, asked := range []int{1, 2} {
				if want := fmt.Sprintf("bytes=%d-", o.records[asked*20-asked/2].Pointer.Offset); !slices.Contains(w.objects.gets, want) {
					t.Errorf("did not ask for %s: %q", want, w.objects.gets)
				}
			}
		}
	})
	t.Run("a letter without a record, of no stream, and a message that is no letter stay", func(t *testing.T) {
		w := newWorld()
		delete(w.Streams, event.Search)
		m := newErrorObject(t, event.Lake, "a", yesterday, functionEr, "{}").records[0]
		m.RawData, m.Reason = nil, deadletter.RawDataUnreadable
		w.queue.send(encode(t, m), "hello")
		w.queue.send(newErrorObject(t, event.Search, "b", yesterday, functionEr, "{}").letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{NoData: 1, NoStream: 1, NoLetter: 1})
		w.wantQueue(t, 3)
	})
	for name, lost := range map[string]error{
		"without a word": &smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF},
		"as an error of SQS": &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusInternalServerError}},
			Err: &smithy.GenericAPIError{Code: "InternalError", Fault: smithy.FaultServer}},
	} {
		t.Run("letters of an answer that was lost on its way are waited for: "+name, func(t *testing.T) {
			w := newWorld()
			w.Visibility = 2 * time.Minute
			w.queue.losses = []error{lost, lost}
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
			w.clock.paused = func(time.Duration) {
				if w.clock.Now().Sub(start) >= w.Visibility {
					w.queue.appear()
				}
			}
			report := w.run(t)
			wantLetters(t, report, map[Outcome]int64{Replayed: 35})
			wantTaken(t, w.lake, ids(35)...)
			w.wantQueue(t, 0)
			if report.Lost != 0 || len(w.said) != 1 || !strings.HasPrefix(w.said[0], "an answer of SQS was lost: up to 20 letters are out of sight; waiting 2m") {
				t.Errorf("lost %d, said %q", report.Lost, w.said)
			}
		})
	}
	t.Run("the SDK's client tells of an answer that was cut off", func(t *testing.T) {
		queue, err := localsqs.Serve(t.Context(), localsqs.Options{Queues: []localsqs.Queue{{Name: "letters"}}})
		if err != nil {
			t.Fatal(err)
		}
		cut := &cutting{operation: "AmazonSQS.ReceiveMessage", at: 2}
		w := newWorld()
		w.Replay.clock, w.Visibility, w.QueueURL = nil, time.Second, queue.QueueURL("letters")
		w.Queue = sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &queue.URL, HTTPClient: cut, Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
			})})
		for _, letter := range newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters {
			if _, err := w.Queue.(*sqs.Client).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &w.QueueURL, MessageBody: &letter}); err != nil {
				t.Fatal(err)
			}
		}
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 35})
		wantTaken(t, w.lake, ids(35)...)
		if left, err := queue.Messages("letters"); err != nil || len(left) > 0 || len(w.said) != 1 {
			t.Errorf("%d letters left, said %q: %v", len(left), w.said, err)
		}
	})
	t.Run("a look does not wait for letters of a lost answer, and says that it did not see them", func(t *testing.T) {
		w := newWorld()
		w.Act, w.Streams = false, nil
		w.queue.losses = []error{&smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF}}
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Matching: 25})
		if report.Lost != 10 || report.Left() != 0 || w.clock.Now().Sub(start) > time.Minute {
			t.Errorf("after %v: %+v", w.clock.Now().Sub(start), report)
		}
	})
	t.Run("answers that are lost again and again end the run with what was not seen", func(t *testing.T) {
		w := newWorld()
		w.workers = 1
		w.queue.losses = slices.Repeat([]error{&smithyhttp.RequestSendError{Err: io.ErrUnexpectedEOF}}, 100)
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(10)...).letters...)
		w.clock.paused = func(d time.Duration) {
			if d > time.Minute {
				w.queue.appear()
			}
		}
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{})
		if report.Lost != 10 || report.Left() != 10 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a receive that SQS refuses is tried again, and nothing is waited for", func(t *testing.T) {
		w := newWorld()
		throttled := &smithy.GenericAPIError{Code: "RequestThrottled", Fault: smithy.FaultClient}
		dial := &smithyhttp.RequestSendError{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
		w.queue.refusals = []error{throttled, dial, throttled}
		w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(35)...).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 35})
		w.wantQueue(t, 0)
		if len(w.said) > 0 || w.clock.Now().Sub(start) > time.Minute {
			t.Errorf("after %v: said %q", w.clock.Now().Sub(start), w.said)
		}
	})
	t.Run("a queue that cannot be read ends the run with its error, at once when trying again is no use", func(t *testing.T) {
		for code, tries := range map[string]int{"AccessDenied": 1, "RequestThrottled": maxTries} {
			w := newWorld()
			w.workers = 1
			w.queue.refusals = slices.Repeat([]error{&smithy.GenericAPIError{Code: code}}, 100)
			_, err := w.FromQueue(t.Context(), t.Context())
			if err == nil || !strings.Contains(err.Error(), "receiving from the queue: api error "+code) || len(w.queue.refusals) != 100-tries {
				t.Errorf("%s: %v after %d tries", code, err, 100-len(w.queue.refusals))
			}
		}
	})
	t.Run("messages in hand are kept out of sight while the stream is slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.clock.now = time.Now()
			w.Visibility = time.Minute
			w.workers = 1
			w.queue.send(newErrorObject(t, event.Lake, "a", yesterday, functionEr, ids(5)...).letters...)
			w.lake.call = func(context.Context) error {
				time.Sleep(4 * time.Minute) // in the test's own time
				return nil
			}
			w.run(t)
			if got := w.queue.changes[8*60]; got != 10 { // twice each: after 20 s, and when a third of those 8 minutes is over
				t.Errorf("%d extensions, want 10", got)
			}
			w.wantQueue(t, 0)
		})
	})
}

// cutting cuts the answer to one call of an operation.
type cutting struct {
	operation string
	at        int64
	calls     atomic.Int64
}

func (c *cutting) Do(request *http.Request) (*http.Response, error) {
	local := "http://127.0.0.1"
	response, err := awsclient.ReadWhole(http.DefaultClient, &local).Do(request)
	if err == nil && request.Header.Get("X-Amz-Target") == c.operation && c.calls.Add(1) == c.at {
		response.Body = io.NopCloser(io.MultiReader(io.LimitReader(response.Body, response.ContentLength/2), breaking{}))
	}
	return response, err
}

func zip(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeJournal(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// more is the letter that stands for the records from one on.
func (o *errorObject) more(t *testing.T, from int) string {
	t.Helper()
	begin, counts := o.records[from].Pointer.Offset, map[deadletter.Reason]int64{}
	for _, m := range o.records[from:] {
		counts[m.Reason]++
	}
	return encode(t, deadletter.ForPart(o.source, deadletter.MoreRecords, begin, int64(len(o.content))-1-begin, false, counts))
}

// invocation is the letter that Lambda writes when the error handler failed on the object.
func (o *errorObject) invocation(t *testing.T) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"version": "1.0", "timestamp": "2026-01-31T12:00:00Z", "requestContext": map[string]any{"requestId": "r-1"},
		"requestPayload": map[string]any{"Records": []any{map[string]any{"s3": map[string]any{"bucket": map[string]any{"name": "bucket"},
			"object": map[string]any{"key": strings.ReplaceAll(o.source.Key, "=", "%3D"), "versionId": "v1"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestObjectLetters(t *testing.T) {
	mixed := append(ids(1200), `{"event_id":`) // the last one is refused
	object := func(t *testing.T, w *world) *errorObject {
		t.Helper()
		o := newErrorObject(t, event.Lake, "a", yesterday, functionEr, mixed...)
		w.objects.put(o.source.Key, o.content, yesterday)
		return o
	}
	t.Run("the records that a letter stands for are read from the object, the refused ones too", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.letters[:100]...)
		w.queue.send(o.more(t, 100))
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 101})
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
		if report.Records[Replayed] != 1201 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a look counts them by reason without reading the object", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.Act, w.objects.contents = false, nil
		w.queue.send(o.more(t, 1))
		report := w.run(t)
		if report.Records[Matching] != 1200 || report.Letters[Matching] != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("a failed invocation and letters that it had sent before put each record back once", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.letters[:500]...)
		w.queue.send(o.invocation(t), o.more(t, 1000))
		w.workers = 1
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 501, AlreadyReplayed: 1})
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("of which only some match need a state, and are done with the rest of them", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		// Two reasons in one object.
		o.source.Stage = errorobject.Transform
		letter := deadletter.ForPart(o.source, deadletter.MoreRecords, 0, 0, false, map[deadletter.Reason]int64{deadletter.FunctionError: 1200, "InvalidJson": 1})
		w.queue.send(encode(t, letter))
		w.Filter.Reasons = []deadletter.Reason{deadletter.FunctionError}
		wantLetters(t, w.run(t), map[Outcome]int64{NeedsState: 1})
		wantTaken(t, w.lake)
		w.wantQueue(t, 1)

		state := filepath.Join(t.TempDir(), "state")
		w.Journal = openJournal(t, state)
		w.Filter = Filter{Reasons: []deadletter.Reason{deadletter.FunctionError}, To: yesterday}
		wantLetters(t, w.run(t), map[Outcome]int64{Filtered: 1})
		w.Filter = Filter{Reasons: []deadletter.Reason{deadletter.FunctionError}}
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		closeJournal(t, w.Journal)
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("one that was interrupted goes on where it was", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.queue.send(o.more(t, 0))
		state := filepath.Join(t.TempDir(), "state")
		for run := range 5 {
			w.Journal = openJournal(t, state)
			soft, interrupt := context.WithCancel(t.Context())
			w.lake.call = func(context.Context) error { interrupt(); return nil }
			report, err := w.FromQueue(soft, t.Context())
			interrupt()
			if err != nil {
				t.Fatal(err)
			}
			closeJournal(t, w.Journal)
			if report.Letters[Replayed]+report.Letters[AlreadyReplayed] == 1 {
				break
			}
			wantLetters(t, report, map[Outcome]int64{Open: 1})
			w.wantQueue(t, 1)
			if run == 4 {
				t.Error("never done")
			}
		}
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 0)
	})
	t.Run("that tell of more than there is stay", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.objects.put(o.source.Key, o.content[:o.records[700].Pointer.Offset], yesterday) // another object by now
		w.queue.send(o.more(t, 100))
		empty := newErrorObject(t, event.Lake, "empty", yesterday, functionEr, "{}")
		w.objects.put(empty.source.Key, nil, yesterday)
		w.queue.send(empty.invocation(t))
		wantLetters(t, w.run(t), map[Outcome]int64{Partly: 1, NoData: 1})
		wantTaken(t, w.lake, mixed[100:700]...)
		w.wantQueue(t, 2)
	})
	t.Run("of an invocation stay when a part of the object cannot be read: it has no letter of its own", func(t *testing.T) {
		w := newWorld()
		o := object(t, w)
		w.objects.put(o.source.Key, append(slices.Clone(o.content), `{"rawData":"torn`...), yesterday)
		w.queue.send(o.invocation(t))
		wantLetters(t, w.run(t), map[Outcome]int64{Partly: 1})
		wantTaken(t, w.lake, mixed...)
		w.wantQueue(t, 1)
	})
	t.Run("about unreadable parts, foreign and missing objects stay", func(t *testing.T) {
		w := newWorld()
		o := newErrorObject(t, event.Lake, "none", yesterday, functionEr, "{}")
		w.queue.send(encode(t, deadletter.ForPart(o.source, deadletter.Unreadable, 0, 10, false, map[deadletter.Reason]int64{deadletter.Unreadable: 1})),
			encode(t, deadletter.ForPart(o.source, deadletter.ForeignObject, 0, 0, false, nil)), encode(t, deadletter.ForPart(o.source, deadletter.ObjectMissing, 0, 0, false, nil)), o.invocation(t),
			encode(t, deadletter.ForPart(o.source, deadletter.MoreRecords, 0, 0, false, map[deadletter.Reason]int64{deadletter.FunctionError: 3})))
		wantLetters(t, w.run(t), map[Outcome]int64{NotReplayable: 2, ObjectMissing: 3})
		w.wantQueue(t, 5)
	})
}

func TestFailedAgain(t *testing.T) {
	// again is the error object of a record that was put back at the start and failed again.
	again := func(t *testing.T, name string, arrival time.Time, record string) *errorObject {
		return newErrorObject(t, event.Search, name, arrival, functionEr, record)
	}
	const record = `{"event_id":"a","amount":"5"}`
	t.Run("what comes back in the same run stays", func(t *testing.T) {
		w := newWorld()
		w.workers = 1
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.search.call = func(context.Context) error { // it fails again at once
			w.queue.send(again(t, "b", time.Now().Add(time.Minute), record).letters...)
			return nil
		}
		w.clock.now = time.Now()
		report := w.run(t)
		wantLetters(t, report, map[Outcome]int64{Replayed: 1, FailedAgain: 1})
		wantTaken(t, w.search, record)
		w.wantQueue(t, 1)
		if report.Left() != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("what comes back later is known by the state, whatever the transform has made of it, and put back when that is wanted", func(t *testing.T) {
		w := newWorld()
		state := filepath.Join(t.TempDir(), "state")
		w.Journal = openJournal(t, state)
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.run(t)
		closeJournal(t, w.Journal)

		p := event.NewProcessor(event.Search, nil)
		p.SetTime(start)
		out, _ := p.Append(nil, []byte(record), 1<<20)
		w.Journal = openJournal(t, state)
		later := time.Now().Add(time.Hour)
		w.queue.send(again(t, "b", later, string(out)).letters...)
		// The same event, received before anything was put back: somebody sent it twice.
		w.queue.send(again(t, "c", yesterday, record).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1, FailedAgain: 1})
		w.Again = true
		closeJournal(t, w.Journal)
		w.Journal = openJournal(t, state)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
		wantTaken(t, w.search, record, record, string(out))
		w.wantQueue(t, 0)
		closeJournal(t, w.Journal)
	})
	t.Run("the streams do not answer for each other", func(t *testing.T) {
		w := newWorld()
		w.queue.send(again(t, "a", yesterday, record).letters...)
		w.run(t)
		w.queue.send(newErrorObject(t, event.Lake, "b", time.Now().Add(time.Hour), functionEr, record).letters...)
		wantLetters(t, w.run(t), map[Outcome]int64{Replayed: 1})
	})
	t.Run("a canary that fails again ends the run before the rest", func(t *testing.T) {
		for _, fails := range []bool{true, false} {
			w := newWorld()
			w.clock.now = time.Now()
			w.Canary, w.Watch = 3, 7*time.Minute
			records := ids(50)
			w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, records...).letters...)
			looked := 0
			w.clock.paused = func(time.Duration) {
				if looked++; looked == 3 && fails {
					o := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, w.search.got()[1])
					w.objects.put(o.source.Key, o.content, w.clock.Now())
				}
			}
			report, err := w.FromQueue(t.Context(), t.Context())
			var cause *CauseError
			if fails {
				if !errors.As(err, &cause) || cause.Put != 3 || cause.CameBack != 1 || err.Error() != "the cause looks unfixed: of 3 put back first, 1 failed again: nothing else was put back" {
					t.Errorf("got %v", err)
				}
				w.wantQueue(t, 47)
				continue
			}
			if err != nil || !report.Watched || report.CameBack != 0 || looked < 28 {
				t.Errorf("got %+v, %v, looked %d times", report, err, looked)
			}
			wantTaken(t, w.search, records...)
			w.wantQueue(t, 0)
		}
	})
	t.Run("the error output is watched after the last record when that is wanted", func(t *testing.T) {
		w := newWorld()
		w.clock.now = time.Now()
		w.WatchEnd = true
		w.queue.send(newErrorObject(t, event.Search, "a", yesterday, functionEr, ids(5)...).letters...)
		failed := false
		w.clock.paused = func(time.Duration) {
			if failed {
				return
			}
			failed = true
			o := newErrorObject(t, event.Search, "b", w.clock.Now(), functionEr, ids(2)...)
			w.objects.put(o.source.Key, o.content, w.clock.Now())
		}
		if report := w.run(t); !report.Watched || report.CameBack != 2 {
			t.Errorf("got %+v", report)
		}
	})
}

func TestJournal(t *testing.T) {
	place := func(from, to int64) Place { return Place{Bucket: "b", Key: "k", VersionID: "v", Offset: from, End: to} }
	t.Run("places that touch, or have a newline between them, are one", func(t *testing.T) {
		j := NewJournal()
		for _, p := range []Place{place(20, 30), place(0, 9), place(40, 50), place(10, 19), place(31, 39)} {
			if err := j.add([]*Record{{Place: p, read: true, Data: []byte{}}}, nil, start); err != nil {
				t.Fatal(err)
			}
		}
		if got := j.read[place(0, 0).object()]; len(got) != 1 || got[0] != (span{0, 50}) {
			t.Errorf("got %v", got)
		}
		for p, want := range map[Place]bool{place(0, 50): true, place(5, 7): true, place(45, 51): false, place(50, 60): false, {Bucket: "b", Key: "k", VersionID: "w", End: 5}: false, {Bucket: "b", Key: "l", VersionID: "v", End: 5}: false} {
			if j.wasRead(p) != want {
				t.Errorf("%v: got %v", p, !want)
			}
		}
	})
	t.Run("a line that a dying process did not finish is taken off", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		j := openJournal(t, path)
		if err := j.add([]*Record{{Place: place(0, 9), read: true, Data: []byte{}}}, []uint64{7}, start); err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(slices.Clone(whole), whole[len(whole)/2:len(whole)-3]...), 0o644); err != nil {
			t.Fatal(err)
		}
		j = openJournal(t, path)
		if back, now := j.cameBack(7, start); !j.wasRead(place(0, 9)) || !back || now {
			t.Error("it has forgotten")
		}
		if err := j.add([]*Record{{Place: place(10, 19), read: true, Data: []byte{}}}, nil, start); err != nil {
			t.Fatal(err)
		}
		closeJournal(t, j)
		j = openJournal(t, path)
		if !j.wasRead(place(0, 19)) {
			t.Error("it has forgotten")
		}
		closeJournal(t, j)
	})
	t.Run("another file is refused, and left as it is", func(t *testing.T) {
		for text, want := range map[string]string{
			"{}\n":            "must be a file of this command, version 1 (got version 0)",
			"{\"version\":2}": "must be a file of this command, whose first line says so",
			"hello\n":         "line 1: invalid character",
			"{\"version\":1}\n{\"digests\":[\"x\"]}\n": "line 2: strconv.ParseUint",
		} {
			path := filepath.Join(t.TempDir(), "state")
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := OpenJournal(path)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got %v, want %s", text, err, want)
			}
			if got, _ := os.ReadFile(path); string(got) != text {
				t.Errorf("%q became %q", text, got)
			}
		}
	})
}
