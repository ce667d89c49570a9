package errorhandler

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"firehose-pipeline/deadletter"
)

// TestSeveralObjectsAtOnce runs on a clock of its own, where a wait for what never comes is a deadlock and fails.
func TestSeveralObjectsAtOnce(t *testing.T) {
	const objects = 2*MaxObjects + 1
	content := map[string]string{}
	var keys []string
	for i := range objects {
		keys = append(keys, fmt.Sprintf("%s-%d", lakeKey, i))
		content[keys[i]+"?"] = failed(t, "Lambda.FunctionError", `{}`)
	}
	t.Run("as many as there is memory for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, content)
			var atOnce, most atomic.Int64
			f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
				return readerFunc(func(p []byte) (int, error) {
					most.Store(max(most.Load(), atOnce.Add(1)))
					time.Sleep(time.Second)
					atOnce.Add(-1)
					return r.Read(p)
				})
			}
			begin := time.Now()
			f.run(t, notification(keys...))
			// Each object is read twice: its content, its end.
			if most.Load() != MaxObjects || time.Since(begin) != 3*2*time.Second {
				t.Errorf("%d objects read at once in %v, want %d in 6s", most.Load(), time.Since(begin), MaxObjects)
			}
			if got := len(f.queue.messages()); got != objects {
				t.Errorf("%d letters, want %d", got, objects)
			}
		})
	})
	t.Run("each one once, however often the event names it", func(t *testing.T) {
		f := newFixture(t, content)
		f.run(t, notification(keys[0], keys[1], keys[0], keys[0]+"?v2", keys[1]))
		if got := len(f.bucket.asked); got != 3 {
			t.Errorf("%d objects read, want 3", got)
		}
	})
}

func TestTimeLimit(t *testing.T) {
	line := failed(t, "Lambda.FunctionError", `{}`)
	for name, c := range map[string]struct {
		limit time.Duration
		hang  bool
		after time.Duration
	}{
		"reading ends and what has been read is sent":      {5 * time.Minute, false, 290 * time.Second},
		"of a short limit a fifth is kept":                 {10 * time.Second, false, 8 * time.Second},
		"a queue that hangs is left in time for an answer": {5 * time.Minute, true, 298 * time.Second},
		"and at a short limit a twentieth before it":       {10 * time.Second, true, 9500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, map[string]string{lakeKey + "?": strings.Repeat(line, 500)})
				f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
					return readerFunc(func(p []byte) (int, error) { // a line a second
						time.Sleep(time.Second)
						return r.Read(p[:min(len(p), len(line))])
					})
				}
				f.queue.hang = c.hang
				ctx, cancel := context.WithTimeout(t.Context(), c.limit)
				defer cancel()
				begin := time.Now()
				err := f.Handle(ctx, notification(lakeKey))
				if err == nil || !strings.Contains(err.Error(), "stopped before the time limit") ||
					!strings.Contains(err.Error(), lakeKey) {
					t.Errorf("error %v", err)
				}
				// The read under way is waited for.
				if took := time.Since(begin); took < c.after || took > c.after+time.Second {
					t.Errorf("it took %v, want %v of %v", took, c.after, c.limit)
				}
				got := len(f.queue.messages())
				if want := int(c.after / time.Second); !c.hang && got != want && got != want+1 || c.hang && got > 0 {
					t.Errorf("%d letters in %v", got, c.after)
				}
				if want := fmt.Sprintf(`"DeadLetters":%d,`, got); !strings.Contains(f.metrics.String(), want) {
					t.Errorf("metrics %s, want %s", f.metrics.String(), want)
				}
				if want := fmt.Sprintf("at offset %d:", got*len(line)-1); !c.hang && !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it %s", err, want)
				}
			})
		})
	}
	t.Run("an object that is done in time is no failure", func(t *testing.T) {
		f := newFixture(t, map[string]string{lakeKey + "?": line})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := f.Handle(ctx, notification(lakeKey)); err != nil {
			t.Error(err)
		}
	})
}

// TestErrorFitsIntoOneMessage: Lambda puts the event and the error into one message of the queue.
func TestErrorFitsIntoOneMessage(t *testing.T) {
	for name, refuse := range map[string]func(in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error){
		"every letter refused": func(in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			failed := reject(in, true, 0)
			for i := range in.Entries[1:] {
				failed = append(failed, reject(in, true, i+1)...)
			}
			return failed, nil
		},
		"an answer as long as a page": func(*sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			return nil, errors.New(strings.Repeat("<html>ü", 10_000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{})
			var keys []string
			for i := range 40 {
				keys = append(keys, fmt.Sprintf("%s-%d", lakeKey, i))
				f.bucket.content[keys[i]+"?"] = strings.Repeat(failed(t, "Lambda.FunctionError", `{}`), 50)
			}
			f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry,
				error) {
				return refuse(in)
			}
			err := f.Handle(context.Background(), notification(keys...))
			if err == nil {
				t.Fatal("no error")
			}
			text, jsonErr := json.Marshal(err.Error())
			if jsonErr != nil || len(text) > 6*(17<<10) || !utf8.ValidString(err.Error()) ||
				!strings.Contains(err.Error(), "bytes in all") || !strings.Contains(err.Error(), keys[0]) {
				t.Errorf("error of %d bytes: %.300s", len(text), text)
			}
			if log := f.log.String(); !strings.Contains(log, keys[0]) || !strings.Contains(log, keys[39]) {
				t.Error("the log does not name every object")
			}
		})
	}
}

func TestEventsThatNeedNoLetter(t *testing.T) {
	for name, payload := range map[string]string{
		"test event of S3": `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-09-21T10:22:00.000Z","Bucket":"lake-bucket","RequestId":"r","HostId":"h"}`,
		"no records":       `{"Records":[]}`,
		"empty":            `{}`,
		"removal": strings.ReplaceAll(string(notification(lakeKey+"-removed")), "ObjectCreated:Put",
			"ObjectRemoved:Delete"),
		"folder marker":      strings.ReplaceAll(string(notification("error-data/lake2/")), `"size":10,`, ""),
		"object of no bytes": string(notification(lakeKey)),
		"only white space":   string(notification(searchKey)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, map[string]string{lakeKey + "?": "", searchKey + "?": " \n"})
			f.run(t, json.RawMessage(payload))
			if f.queue.calls > 0 || f.log.Len() == 0 {
				t.Errorf("%d calls, log %q", f.queue.calls, f.log.String())
			}
		})
	}
}

func TestEventThatCannotBeDecodedFails(t *testing.T) {
	for _, payload := range []string{`[]`, `{"Records":[{"s3":{"object":{"key":"%zz"}}}]}`} {
		if err := newFixture(t, nil).Handle(context.Background(), json.RawMessage(payload)); err == nil {
			t.Errorf("%s: no error", payload)
		}
	}
}

// TestNothingIsMissing reads objects that are torn in places over connections that break into a queue that rejects,
// each until Lambda's retry succeeds: every record has a dead letter or is within a part that one points to.
func TestNothingIsMissing(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 0))
		oneIn := func(n int) bool { return random.IntN(n) == 0 }
		var content bytes.Buffer
		begins := []int64{} // of the good documents, by number
		separator := []string{"\n", "", "\r\n "}[random.IntN(3)]
		torn := oneIn(2)
		for range random.IntN(1400) {
			document := strings.TrimSpace(failed(t, "Lambda.FunctionError",
				fmt.Sprintf(`{"event_id":"e-%d","x":"%s"}`, len(begins), strings.Repeat("x", random.IntN(200)))))
			switch {
			case torn && oneIn(200):
				content.WriteString(document[:random.IntN(len(document))])
			case torn && oneIn(200):
				content.WriteString("no JSON {")
			default:
				begins = append(begins, int64(content.Len()))
				content.WriteString(document)
			}
			content.WriteString(separator)
		}
		object := content.String()
		if oneIn(3) {
			var b strings.Builder
			half := random.IntN(len(object) + 1)
			for _, member := range []string{object[:half], object[half:]} {
				z := gzip.NewWriter(&b)
				if _, err := io.WriteString(z, member); err != nil {
					t.Fatal(err)
				}
				if err := z.Close(); err != nil {
					t.Fatal(err)
				}
			}
			object = b.String()
		}
		f := newFixture(t, map[string]string{lakeKey + "?": object})
		f.bucket.wrap = func(_ int, r io.Reader) io.Reader {
			if oneIn(2) {
				return r
			}
			return io.MultiReader(io.LimitReader(r, random.Int64N(50_000)),
				iotest.ErrReader(errors.New("connection reset")))
		}
		f.queue.answer = func(_ int, in *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
			if oneIn(500) {
				return nil, awsError{"InternalError"}
			}
			var entries []types.BatchResultErrorEntry
			for i := range in.Entries {
				if oneIn(30) {
					entries = append(entries, reject(in, oneIn(10), i)...)
				}
			}
			return entries, nil
		}
		tries := 1
		for ; f.Handle(context.Background(), notification(lakeKey)) != nil; tries++ {
			if tries == 100 {
				t.Fatalf("seed %d: no success in %d tries", seed, tries)
			}
		}
		have := map[string]bool{}
		places := map[string]deadletter.Pointer{}
		var parts []deadletter.Pointer
		for _, m := range f.queue.messages() {
			if before, twice := places[m.ID]; twice && before != *m.Pointer {
				t.Fatalf("seed %d: one id for %+v and %+v", seed, before, *m.Pointer)
			}
			if places[m.ID] = *m.Pointer; m.Kind == deadletter.Object {
				parts = append(parts, *m.Pointer)
				continue
			}
			have[fmt.Sprintf("%s at %d", m.EventID, m.Pointer.Offset)] = true
			if m.EventID == "" && !m.Truncated {
				t.Fatalf("seed %d: letter %+v of no record", seed, m)
			}
		}
		for i, begin := range begins {
			covered := slices.ContainsFunc(parts, func(p deadletter.Pointer) bool {
				return p.Offset <= begin && (p.Length == 0 || begin < p.Offset+p.Length)
			})
			if !have[fmt.Sprintf("e-%d at %d", i, begin)] && !covered {
				t.Fatalf("seed %d: record %d at %d has no letter and lies in none of %+v", seed, i, begin, parts)
			}
		}
		if len(have) < min(len(begins), MaxRecordLetters)*9/10 {
			t.Errorf("seed %d: %d letters of %d records", seed, len(have), len(begins))
		}
	}
}

func TestOneObjectsFailureDoesNotStopTheOthers(t *testing.T) {
	f := newFixture(t, map[string]string{lakeKey + "?": "forbidden",
		searchKey + "?": failed(t, "Lambda.FunctionError", `{}`), searchKey + "2?": "forbidden"})
	err := f.Handle(context.Background(), notification(lakeKey, searchKey, searchKey+"2"))
	if err == nil || !strings.Contains(err.Error(), lakeKey) || !strings.Contains(err.Error(), searchKey+"2") ||
		!strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("error %v", err)
	}
	if got := len(f.queue.messages()); got != 1 {
		t.Errorf("%d letters", got)
	}
}

func TestLogsHaveNoEventContent(t *testing.T) {
	secret := "s3cret"
	f := newFixture(t, map[string]string{lakeKey +
		"?": failed(t, "Lambda.ProcessingFailedStatus", `{"a":"`+secret+`"`) + secret})
	f.queue.answer = func(int, *sqs.SendMessageBatchInput) ([]types.BatchResultErrorEntry, error) {
		return nil, errors.New("down")
	}
	err := f.Handle(context.Background(), notification(lakeKey))
	if err == nil {
		t.Fatal("no error")
	}
	for name, text := range map[string]string{"log": f.log.String(), "error": err.Error(),
		"metrics": f.metrics.String()} {
		if text == "" || strings.Contains(text, secret) ||
			strings.Contains(text, base64.RawStdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("%s: %q", name, text)
		}
	}
	for line := range strings.Lines(f.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("log line %q is no JSON", line)
		}
	}
}

func TestEnvironmentIsChecked(t *testing.T) {
	_, err := New(func(name string) string {
		return map[string]string{"LOG_LEVEL": "loud", "ERROR_PREFIX": "error-data",
			"DEAD_LETTER_RAW_DATA": "all"}[name]
	}, io.Discard, io.Discard)
	want := "LOG_LEVEL: must be debug, info, warn or error (got \"loud\")\n" +
		"DEAD_LETTER_RAW_DATA: must be inline or pointer (got \"all\")\n" +
		"DEAD_LETTER_QUEUE_URL: must be set\nERROR_PREFIX: must end in a slash (got \"error-data\")"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRawDataSetting(t *testing.T) {
	for value, wrong := range map[string]bool{"": false, "inline": false, "pointer": false, "Pointer": true, "none": true} {
		h, err := New(func(name string) string {
			return map[string]string{"DEAD_LETTER_QUEUE_URL": "q", "ERROR_PREFIX": "error-data/",
				"DEAD_LETTER_RAW_DATA": value}[name]
		}, io.Discard, io.Discard)
		if wrong {
			want := fmt.Sprintf("DEAD_LETTER_RAW_DATA: must be inline or pointer (got %q)", value)
			if err == nil || err.Error() != want {
				t.Errorf("%q: got %v, want %s", value, err, want)
			}
		} else if err != nil || h.pointerOnly != (value == "pointer") {
			t.Errorf("%q: got %v, %v", value, h.pointerOnly, err)
		}
	}
}

// Metrics are the alarms' source: when they cannot be written, the invocation fails, and Lambda repeats it.
func TestMetricsThatCannotBeWrittenFail(t *testing.T) {
	f := newFixture(t, map[string]string{lakeKey + "?": failed(t, "Lambda.FunctionError", `{}`)})
	f.Handler.metrics = writerFunc(func([]byte) (int, error) { return 0, errors.New("broken pipe") })
	err := f.Handle(t.Context(), notification(lakeKey))
	if err == nil || !strings.Contains(err.Error(), "writing metrics: broken pipe") {
		t.Errorf("got %v", err)
	}
	if got := len(f.queue.messages()); got != 1 {
		t.Errorf("got %d dead letters, want 1", got)
	}
}

type writerFunc func([]byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }
