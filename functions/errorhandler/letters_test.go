package errorhandler

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/s3read"
)

func TestEachFailedRecordBecomesALetter(t *testing.T) {
	f := newFixture(t, map[string]string{
		lakeKey + "?v1": failed(t, "Lambda.ProcessingFailedStatus", `[1]`) + failed(t, "Lambda.FunctionError",
			`{"event_id":"e-1"}`),
		searchKey + "?":  `{"errorCode":"400","errorMessage":"no","esIndexName":"i","rawData":"e30="}`,
		lakeKey + "2?v1": failed(t, "Lambda.ProcessingFailedStatus", `{"event_id":"e-2"}`),
	})
	f.run(t, notification(lakeKey+"?v1", searchKey, lakeKey+"2?v1"))
	slices.SortStableFunc(f.queue.bodies, byKey)
	var got []string
	for _, m := range f.queue.messages() {
		got = append(got, fmt.Sprint(m.Kind, m.Stream, m.Stage, m.Reason, m.EventID, m.Pointer.Key == lakeKey ||
			m.Pointer.Key == searchKey, m.Pointer.VersionID))
	}
	want := []string{
		fmt.Sprint("record", "lake", "transform", event.NotAnObject, "", true, "v1"),
		fmt.Sprint("record", "lake", "transform", "FunctionError", "e-1", true, "v1"),
		fmt.Sprint("record", "lake", "transform", "AcceptedNow", "e-2", false, "v1"),
		fmt.Sprint("record", "search", "search", "SearchRejected", "", true, ""),
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	t.Run("a second run sends the same ids", func(t *testing.T) {
		first := f.queue.bodies
		f.queue.bodies = nil
		f.run(t, notification(lakeKey+"?v1", searchKey, lakeKey+"2?v1"))
		slices.SortStableFunc(f.queue.bodies, byKey)
		if strings.Join(first, "") != strings.Join(f.queue.bodies, "") {
			t.Error("the letters differ")
		}
	})
	t.Run("attributes name kind, stream, stage and reason", func(t *testing.T) {
		var got []string
		f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			for _, name := range []string{"kind", "stream", "stage", "reason"} {
				got = append(got, aws.ToString(in.Entries[0].MessageAttributes[name].StringValue))
			}
			return nil, nil
		}
		f.run(t, notification(searchKey))
		if strings.Join(got, " ") != "record search search SearchRejected" {
			t.Errorf("attributes %q", got)
		}
	})
}

// With deadLetterRawData pointer the queue has no event data: the pointer leads to the record.
func TestPointersInsteadOfRecords(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{"event_id":"e-1","email":"ann@example.com"}`)
	for setting, inline := range map[string]bool{"": true, "inline": true, "pointer": false} {
		f := newFixture(t, map[string]string{lakeKey + "?": line + line}, "DEAD_LETTER_RAW_DATA", setting)
		f.run(t, notification(lakeKey))
		for i, m := range f.queue.messages() {
			if (m.RawData != nil) != inline || m.Truncated == inline || m.EventID != "e-1" ||
				m.Pointer.Offset != int64(i*len(line)) || m.Pointer.Length != int64(len(line)-1) {
				t.Errorf("%q: letter %+v, %+v", setting, m, m.Pointer)
			}
		}
		if n := len(f.queue.bodies); n != 2 {
			t.Errorf("%q: %d letters, want 2", setting, n)
		}
	}
}

func TestWhatIsNotItemisedGetsOneLetter(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{}`)
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(line + "torn\n" + line[:50])); err != nil {
		t.Fatal(err)
	}
	if err := z.Flush(); err != nil { // and never closed
		t.Fatal(err)
	}
	zipped := b.String()
	for name, c := range map[string]struct {
		key, content   string
		letters        int
		reason         deadletter.Reason
		offset, length int64
		counts         string
	}{
		"foreign object": {"error-data/else/x", "any", 1, deadletter.ForeignObject, 0, 0, "map[]"},
		"missing object": {lakeKey, "", 1, deadletter.ObjectMissing, 0, 0, "map[]"},
		"torn object": {lakeKey, line + "torn\n" + line + line[:20], 3, deadletter.Unreadable, int64(len(line)),
			int64(len(line)) + 25, "map[Unreadable:2]"},
		"broken gzip": {lakeKey, zipped, 2, deadletter.Unreadable, int64(len(line)), 0, "map[Unreadable:2]"},
		"1,000 records": {lakeKey, strings.Repeat(line, 1000), 1000, deadletter.FunctionError,
			int64(999 * len(line)), int64(len(line) - 1), "map[]"},
		"1,001 records": {lakeKey, strings.Repeat(line, 1001), 1001, deadletter.MoreRecords, int64(1000 * len(line)),
			int64(len(line) - 1), "map[FunctionError:1]"},
		"2,500 in reasons": {lakeKey, strings.Repeat(line,
			2000) + strings.Repeat(failed(t, "Lambda.ProcessingFailedStatus", `[]`), 500), 1001, deadletter.MoreRecords,
			int64(1000 * len(line)), 0, "map[FunctionError:1000 NotAnObject:500]"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{})
			if c.content != "" {
				f.bucket.content[c.key+"?"] = c.content
			}
			f.run(t, notification(c.key))
			messages := f.queue.messages()
			if len(messages) != c.letters {
				t.Fatalf("%d letters, want %d", len(messages), c.letters)
			}
			last := messages[len(messages)-1]
			if name == "2,500 in reasons" {
				c.length = int64(len(c.content)) - c.offset - 1
			}
			if last.Reason != c.reason || last.Pointer.Offset != c.offset || last.Pointer.Length != c.length ||
				last.Pointer.Key != c.key || fmt.Sprint(last.Counts) != c.counts {
				t.Errorf("last letter %+v, %+v", last, last.Pointer)
			}
			for i, m := range messages[:len(messages)-1] {
				if m.Kind != deadletter.Record {
					t.Errorf("letter %d is of kind %s", i, m.Kind)
				}
			}
			if c.key == "error-data/else/x" && len(f.bucket.asked) > 0 {
				t.Error("foreign object was read")
			}
			unreadable := 0
			switch c.reason {
			case deadletter.ForeignObject, deadletter.ObjectMissing, deadletter.Unreadable:
				unreadable = 1
			}
			if want := fmt.Sprintf(`"UnreadableObjects":%d`, unreadable); !strings.Contains(f.metrics.String(), want) {
				t.Errorf("metrics %s, want %s", f.metrics.String(), want)
			}
		})
	}
}

func TestBrokenConnectionsAreResumed(t *testing.T) {
	content := ""
	for i := range 30 {
		content += failed(t, "Lambda.FunctionError", fmt.Sprintf(`{"event_id":"e-%d"}`, i))
	}
	reset := errors.New("connection reset")
	breaking := func(after int64) func(int, io.Reader) io.Reader {
		return func(_ int, r io.Reader) io.Reader {
			return io.MultiReader(io.LimitReader(r, after), iotest.ErrReader(reset))
		}
	}
	t.Run("from the byte where they broke, of the same version", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?v1": content})
		whole := len(content)
		f.bucket.wrap = func(request int, r io.Reader) io.Reader {
			if request < 10 {
				return breaking(100)(request, r)
			}
			return r
		}
		f.run(t, notification(lakeKey+"?v1"))
		if got := len(f.queue.messages()); got != 30 || len(f.bucket.asked) != 10 {
			t.Errorf("%d letters of 30, %d requests for %d bytes", got, len(f.bucket.asked), whole)
		}
		last := f.bucket.asked[9]
		if aws.ToString(last.Range) != "bytes=900-" || aws.ToString(last.VersionId) != "v1" || last.IfMatch == nil {
			t.Errorf("last request %+v", last)
		}
	})
	t.Run("an answer that ends early is no whole object", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?": content})
		f.bucket.wrap = func(_ int, r io.Reader) io.Reader { return io.LimitReader(r, int64(len(content)/2)) }
		f.run(t, notification(lakeKey))
		if got := len(f.queue.messages()); got != 30 {
			t.Errorf("%d letters of 30", got)
		}
	})
	t.Run("after a while in which nothing came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			f.bucket.stall = int64(len(content)/3 + 1)
			begin := time.Now()
			f.run(t, notification(lakeKey))
			if got := len(f.queue.messages()); got != 30 || len(f.bucket.asked) != 3 ||
				time.Since(begin) != 3*s3read.StallTime {
				t.Errorf("%d letters of 30, %d requests in %v", got, len(f.bucket.asked), time.Since(begin))
			}
		})
	})
	for name, c := range map[string]struct {
		set func(*bucket)
		err string
	}{
		"no byte comes any more": {func(b *bucket) { b.wrap = breaking(0) }, "connection reset"},
		"the range is ignored":   {func(b *bucket) { b.wrap, b.deaf = breaking(100), true }, `got range ""`},
		"the object is replaced": {func(b *bucket) {
			b.wrap = func(_ int, r io.Reader) io.Reader {
				b.content[lakeKey+"?"] = "forbidden"
				return breaking(100)(0, r)
			}
		}, "AccessDenied"},
	} {
		t.Run("in vain when "+name+": the invocation fails", func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": content})
			c.set(f.bucket)
			err := f.Handle(context.Background(), notification(lakeKey))
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if len(f.pauses) > s3read.MaxResumes {
				t.Errorf("%d pauses", len(f.pauses))
			}
			for _, m := range f.queue.messages() {
				if m.Kind == deadletter.Object {
					t.Errorf("a letter says %s of an object that could not be read", m.Reason)
				}
			}
		})
	}
}

// An object can have both: more records than are itemised, and a part that cannot be read.
func TestBothSummaries(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{}`)
	f := newFixture(t, map[string]string{lakeKey + "?": strings.Repeat(line, 1002) + "torn\n"})
	f.run(t, notification(lakeKey))
	messages := f.queue.messages()
	if len(messages) != 1002 {
		t.Fatalf("%d letters, want 1002", len(messages))
	}
	for at, want := range map[int]string{1000: "MoreRecords map[FunctionError:2]", 1001: "Unreadable map[Unreadable:1]"} {
		if got := fmt.Sprint(messages[at].Reason, " ", messages[at].Counts); got != want {
			t.Errorf("letter %d is %s, want %s", at, got, want)
		}
	}
}
