//go:build verify

// What takes too long for every run of the tests: make verify runs it.

package main_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/sqs"
)

// memoryLimit is the limit of the handler's process at any time.
const memoryLimit = 64 << 20

// documents is an error object that is made while it is read: a line a document, at least size bytes.
type documents struct {
	size   int64
	record func(i int) []byte
	n      int // documents begun
	line   []byte
}

func (d *documents) Read(p []byte) (int, error) {
	if len(d.line) == 0 {
		if d.size <= 0 {
			return 0, io.EOF
		}
		d.line = []byte(processingFailed(d.record(d.n)) + "\n")
		d.size -= int64(len(d.line))
		d.n++
	}
	n := copy(p, d.line)
	d.line = d.line[n:]
	return n, nil
}

// small is the record of a shop event that is not JSON.
func small(i int) []byte {
	return fmt.Appendf(nil, `{"event_id":"e-%07d","event_type":"view","amount":NaN,"user_id":"550050854","product_id":"1306083","session_id":"7c90fc70-0e80-4590-96f3-13c02c18c713"}`, i)
}

// sized is a record of so many bytes.
func sized(bytes int) func(int) []byte {
	filler := strings.Repeat("x", bytes)
	return func(i int) []byte {
		return fmt.Appendf(nil, `{"event_id":"e-%07d","amount":NaN,"text":"%s"}`, i, filler)
	}
}

// repeated is a text that is repeated up to size bytes.
func repeated(text string, size int64) io.Reader {
	return io.LimitReader(&endless{text: text}, size)
}

type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.text[e.at:])
		n += c
		e.at = (e.at + c) % len(e.text)
	}
	return n, nil
}

// zipped is gzip of so many equal members.
func zipped(t *testing.T, content io.Reader, members int) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(z, content)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	var all []io.Reader
	for range members {
		all = append(all, bytes.NewReader(b.Bytes()))
	}
	return io.MultiReader(all...)
}

// keep puts an object without a way through memory and returns its notification.
func (p *errorPath) keep(name string, content io.Reader) s3.ObjectCreated {
	p.t.Helper()
	created, err := p.store.Put(lakeBucket, errorKey("lake", "processing-failed", name), nil, content)
	if err != nil {
		p.t.Fatal(err)
	}
	<-p.created
	return created
}

// measure handles an event and returns its dead letters; the test is of the process's memory.
func (p *errorPath) measure(objects ...s3.ObjectCreated) []letter {
	p.t.Helper()
	result, err := p.Invoke(p.t.Context(), s3.Notification("us-east-1", "errors", objects...))
	if err != nil {
		p.t.Fatal(err)
	}
	if err := result.Error(); err != nil {
		p.t.Error(err)
	}
	if result.PeakMemory == 0 {
		p.t.Error("peak memory: cannot be measured on this system; run it on Linux")
	}
	if result.PeakMemory >= memoryLimit {
		p.t.Errorf("peak memory: must be below %d MiB (got %.1f)", memoryLimit>>20, float64(result.PeakMemory)/(1<<20))
	}
	letters, bytes := p.letters(), int64(0)
	for _, o := range objects {
		bytes += o.Size
	}
	p.t.Logf("%d MiB in %d objects: %d letters, peak memory %.1f MiB, %.2f s of CPU, %.2f s", bytes>>20, len(objects),
		len(letters),
		float64(result.PeakMemory)/(1<<20), result.CPU.Seconds(), result.Duration.Seconds())
	return letters
}

func TestLargeErrorObjects(t *testing.T) {
	// itemised checks the dead letters of an object of so many documents.
	itemised := func(t *testing.T, letters []letter, documents int) {
		t.Helper()
		ids := map[string]bool{}
		for i, l := range letters {
			ids[l.ID] = true
			if i < 1000 && (l.Kind != "record" || l.Reason != "InvalidJson" || l.EventID != fmt.Sprintf("e-%07d", i)) {
				t.Fatalf("letter %d: got %+v", i, l)
			}
		}
		want := documents
		if documents > 1000 {
			want = 1001
			if rest := letters[len(letters)-1]; rest.Kind != "object" || rest.Reason != "MoreRecords" ||
				rest.Counts["InvalidJson"] != documents-1000 || len(rest.Counts) != 1 {
				t.Errorf("got %+v, want a count of %d", rest, documents-1000)
			}
		}
		if len(letters) != want || len(ids) != want {
			t.Errorf("got %d letters with %d ids, want %d", len(letters), len(ids), want)
		}
	}
	for name, record := range map[string]func(int) []byte{
		"128 MB of small records":       small,
		"128 MB of records of 700 KiB":  sized(700 << 10),
		"128 MB of records of 1000 KiB": sized(1000<<10 - 60),
		"128 MB of records of 4.4 MiB":  sized(4500 << 10),
	} {
		t.Run(name, func(t *testing.T) {
			p := startErrorHandlerWith(t, faults{tls: true})
			d := &documents{size: 128 << 20, record: record}
			itemised(t, p.measure(p.keep("1", d)), d.n)
		})
	}
	t.Run("records that unzip to 1 GB", func(t *testing.T) {
		p := startErrorHandlerWith(t, faults{tls: true})
		// The members are equal, so that the records repeat; each document has an offset of its own all the same.
		const members = 16
		d := &documents{size: 64 << 20, record: small}
		itemised(t, p.measure(p.keep("1", zipped(t, d, members))), members*d.n)
	})
	for name, content := range map[string]func() io.Reader{
		"128 MB without a newline or a document": func() io.Reader { return repeated("x", 128<<20) },
		"one line that unzips to 1 GB":           func() io.Reader { return zipped(t, repeated("x", 64<<20), 16) },
		"a record of 128 MB that never ends":     func() io.Reader { return io.MultiReader(strings.NewReader(`{"rawData":"`), repeated("QUJD", 128<<20)) },
		"a record that never ends unzips to 1 GB": func() io.Reader {
			return io.MultiReader(zipped(t, strings.NewReader(`{"rawData":"`), 1),
				zipped(t, repeated("QUJD", 64<<20), 16))
		},
		"braces that unzip to 1 GB": func() io.Reader { return zipped(t, repeated(`{"a":`, 64<<20), 16) },
		"gzip that breaks off in the middle of 1 GB": func() io.Reader {
			return io.MultiReader(zipped(t, repeated("x", 64<<20), 8), strings.NewReader("\x1f\x8b\x08"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := startErrorHandlerWith(t, faults{tls: true})
			letters := p.measure(p.keep("1", content()))
			if len(letters) != 1 || letters[0].Reason != "Unreadable" || letters[0].Pointer.Offset != 0 {
				t.Errorf("got %+v", letters)
			}
		})
	}
	t.Run("eight objects of 16 MB in one event", func(t *testing.T) {
		p := startErrorHandlerWith(t, faults{tls: true})
		var objects []s3.ObjectCreated
		want := 0
		for i := range 8 {
			d := &documents{size: 16 << 20, record: sized([]int{4500 << 10, 700 << 10}[i/4])}
			objects = append(objects, p.keep(fmt.Sprint(i), d))
			want += d.n
		}
		if letters := p.measure(objects...); len(letters) != want {
			t.Errorf("got %d letters, want %d", len(letters), want)
		}
	})
}

// TestKilledErrorHandler kills the process in the middle of an object, again in the first retry, and lets Lambda's
// second retry finish: 20 times in all, at random points.
func TestKilledErrorHandler(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	// The handler is killed after so many bytes of the object or so many messages; 0: not.
	var killAtByte, killAtMessage, bytesRead, sent atomic.Int64
	var kill atomic.Pointer[context.CancelFunc]
	reached := func(limit, count *atomic.Int64, n int64) {
		if at := limit.Load(); count.Add(n) >= at && at > 0 {
			(*kill.Load())()
		}
	}
	p := startErrorHandlerWith(t, faults{
		send: func(sqs.Entry) *sqs.Fault {
			reached(&killAtMessage, &sent, 1)
			return nil
		},
		s3: func(api http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				api.ServeHTTP(counted{w, func(n int) { reached(&killAtByte, &bytesRead, int64(n)) }}, r)
			})
		},
	})
	plain, member := &documents{size: 128 << 20, record: small}, &documents{size: 64 << 20, record: small}
	plainObject := p.keep("plain", plain)
	zippedObject := p.keep("zipped", zipped(t, member, 16))
	tornMember := &documents{size: 16 << 20, record: small}
	tornObject := p.keep("torn", io.MultiReader(zipped(t, tornMember, 4), zipped(t, repeated("torn\n", 5<<20), 1)))
	for _, object := range []struct {
		name      string
		created   s3.ObjectCreated
		documents int
		kills     int
		parts     []string // the reasons of dead letters for more than one record
	}{
		{"128 MB", plainObject, plain.n, 16, []string{"MoreRecords"}},
		{"1 GB unzipped", zippedObject, 16 * member.n, 2, []string{"MoreRecords"}},
		{"64 MB unzipped and a torn end", tornObject, 4 * tornMember.n, 2, []string{"MoreRecords", "Unreadable"}},
	} {
		event := s3.Notification("us-east-1", "errors", object.created)
		var known map[string]string // the dead letters by their ids
		killed := 0
		for round := 0; killed < object.kills && round < 3*object.kills; round++ {
			for range 2 {
				ctx, cancel := context.WithCancel(t.Context())
				kill.Store(&cancel)
				bytesRead.Store(0)
				sent.Store(0)
				if killAtByte.Store(0); random.IntN(2) == 0 {
					killAtByte.Store(1 + random.Int64N(object.created.Size))
				} else {
					killAtMessage.Store(1 + random.Int64N(1001))
				}
				result, err := p.Invoke(ctx, event)
				killAtByte.Store(0)
				killAtMessage.Store(0)
				cancel()
				if errors.Is(err, context.Canceled) {
					killed++
				} else if err != nil || result.Error() != nil {
					t.Fatal(err, result.Error())
				}
			}
			p.MustInvoke(event)
			letters := map[string]string{}
			repeats := 0
			for _, m := range p.messages() {
				var l letter
				if err := json.Unmarshal([]byte(m.Body), &l); err != nil {
					t.Fatal(err)
				}
				if before, twice := letters[l.ID]; twice {
					if repeats++; before != m.Body {
						t.Fatalf("two letters have the id %s:\n%s\n%s", l.ID, before, m.Body)
					}
				}
				letters[l.ID] = m.Body
			}
			if known == nil {
				known = letters
				checkLetters(t, letters, object.documents, object.parts)
			}
			// The others are those of the first round, to the letter.
			if len(letters) != len(known) {
				t.Fatalf("round %d: got %d different letters, want %d", round, len(letters), len(known))
			}
			for id, body := range known {
				if letters[id] != body {
					t.Fatalf("round %d: letter %s is missing", round, id)
				}
			}
			t.Logf("%s, %d records: killed %d times so far, %d letters sent again with the same ids", object.name,
				object.documents, killed, repeats)
		}
		if killed < object.kills {
			t.Errorf("%s: got %d kills, want %d", object.name, killed, object.kills)
		}
	}
}

// checkLetters checks that the dead letters account for every document.
func checkLetters(t *testing.T, letters map[string]string, documents int, parts []string) {
	t.Helper()
	events := map[string]bool{}
	reasons := map[string]bool{}
	counted := 0
	for _, body := range letters {
		var l letter
		if err := json.Unmarshal([]byte(body), &l); err != nil {
			t.Fatal(err)
		}
		if l.Kind == "record" {
			events[l.EventID] = true
			continue
		}
		reasons[l.Reason] = true
		counted += l.Counts["InvalidJson"]
	}
	for i := range 1000 {
		if id := fmt.Sprintf("e-%07d", i); !events[id] {
			t.Errorf("no letter of record %s", id)
		}
	}
	if len(events)+counted != documents || len(letters) != len(events)+len(parts) {
		t.Errorf("got %d records and a count of %d in %d letters, want %d together", len(events), counted, len(letters),
			documents)
	}
	for _, reason := range parts {
		if !reasons[reason] {
			t.Errorf("got the reasons %v, want %s", reasons, reason)
		}
	}
}

// counted counts the bytes of an answer.
type counted struct {
	http.ResponseWriter
	wrote func(int)
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.wrote(n)
	return n, err
}

// TestErrorHandlerStopsInTime: an object that cannot be read in time fails the invocation with an error, and the dead
// letters so far are in the queue.
func TestErrorHandlerStopsInTime(t *testing.T) {
	p := startErrorHandlerWith(t, faults{limit: 5 * time.Second, s3: func(api http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			api.ServeHTTP(&stalling{w, 200_000, r.Context()}, r)
		})
	}})
	result, err := p.Invoke(t.Context(), s3.Notification("us-east-1", "errors",
		p.keep("1", &documents{size: 1 << 20, record: small})))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(result.ErrorMessage(), "stopped before the time limit") ||
		!strings.Contains(result.ErrorMessage(), "processing-failed") {
		t.Errorf("got %s", result.Payload)
	}
	if letters := p.letters(); len(letters) < 200 {
		t.Errorf("got %d letters of what was read before", len(letters))
	}
}

// stalling is an answer that stops after so many bytes, and never ends.
type stalling struct {
	http.ResponseWriter
	left int
	ctx  context.Context
}

func (s *stalling) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	if s.left -= n; n < len(p) && err == nil {
		if err = http.NewResponseController(s.ResponseWriter).Flush(); err == nil {
			<-s.ctx.Done()
			err = s.ctx.Err()
		}
	}
	return n, err
}
