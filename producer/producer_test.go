package producer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/event"
)

// fakeClock passes at once.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	pauses []time.Duration
}

func newClock() *fakeClock { return &fakeClock{now: time.Unix(1_800_000_000, 0)} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Pause(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.pauses = append(c.pauses, d)
	return ctx.Err()
}

// fake is Firehose: answer decides what becomes of each record of a call, which is by default taken.
type fake struct {
	// call fails whole calls, record single records; both are given the number of the call, from 1.
	call   func(ctx context.Context, call int) error
	record func(call int, data string) (code string)

	mu    sync.Mutex
	calls int
	sizes []int
	taken []string
}

var slowDown = &types.ServiceUnavailableException{Message: aws.String("Slow down.")}

func (f *fake) PutRecordBatch(ctx context.Context, in *firehose.PutRecordBatchInput, _ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.call != nil {
		if err := f.call(ctx, call); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	size := 0
	out := &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}
	for _, r := range in.Records {
		size += len(r.Data)
		if len(r.Data) > MaxRecordBytes {
			return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "a record is too long"}
		}
		if f.record != nil {
			if code := f.record(call, string(r.Data)); code != "" {
				out.RequestResponses = append(out.RequestResponses, types.PutRecordBatchResponseEntry{ErrorCode: &code, ErrorMessage: aws.String("no")})
				*out.FailedPutCount++
				continue
			}
		}
		f.taken = append(f.taken, string(r.Data))
		out.RequestResponses = append(out.RequestResponses, types.PutRecordBatchResponseEntry{RecordId: aws.String("id")})
	}
	if len(in.Records) > MaxBatchRecords || size > MaxBatchBytes {
		return nil, &smithy.GenericAPIError{Code: "InvalidArgumentException", Message: "the batch is too large"}
	}
	f.sizes = append(f.sizes, len(in.Records))
	return out, nil
}

func (f *fake) stream(name string) *Stream { return &Stream{Name: name, Client: f, clock: newClock()} }

// events are n numbered events, one a line.
func events(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"event_id":"e-%05d","amount":%d}`, i+1, i)
	}
	return lines
}

func bytesOf(texts ...string) [][]byte {
	var all [][]byte
	for _, t := range texts {
		all = append(all, []byte(t))
	}
	return all
}

func TestBatches(t *testing.T) {
	long := strings.Repeat("x", MaxRecordBytes)
	for _, c := range []struct {
		rule    string
		records []string
		max     int
		want    []int
	}{
		{"nothing makes no batch", nil, MaxBatchBytes, nil},
		{"500 records are one batch", slices.Repeat([]string{"x"}, 500), MaxBatchBytes, []int{500}},
		{"501 records are two", slices.Repeat([]string{"x"}, 501), MaxBatchBytes, []int{500, 1}},
		{"4 MiB are four of the largest records", slices.Repeat([]string{long}, 5), MaxBatchBytes, []int{4, 1}},
		{"a lower bound holds", slices.Repeat([]string{"12345"}, 5), 10, []int{2, 2, 1}},
		{"a record above the bound goes alone", []string{"1", "1234567890", "1"}, 5, []int{1, 1, 1}},
		{"a bound above Firehose's is Firehose's", slices.Repeat([]string{long}, 5), 1 << 30, []int{4, 1}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var got []int
			for batch := range Batches(bytesOf(c.records...), c.max) {
				got = append(got, len(batch))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBilled(t *testing.T) {
	for bytes, want := range map[int]int64{0: 5120, 1: 5120, 5120: 5120, 5121: 10240, 1024000: 1024000} {
		if got := Billed(bytes); got != want {
			t.Errorf("%d bytes: got %d, want %d", bytes, got, want)
		}
	}
}

func TestStream(t *testing.T) {
	ctx := t.Context()
	t.Run("only what failed is sent again", func(t *testing.T) {
		f := &fake{record: func(call int, data string) string {
			if call == 1 && data != "a" {
				return "ServiceUnavailableException"
			}
			if call == 2 && data == "c" {
				return "InternalFailure"
			}
			return ""
		}}
		s := f.stream("lake")
		if _, err := s.Put(ctx, bytesOf("a", "b", "c", "d")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "d", "c"}; !slices.Equal(f.taken, want) {
			t.Errorf("took %q, want %q", f.taken, want)
		}
		if want := []int{4, 3, 1}; !slices.Equal(f.sizes, want) {
			t.Errorf("calls of %v records, want %v", f.sizes, want)
		}
		if got, want := s.Counts(), (Counts{Records: 4, Bytes: 4, Billed: 4 * 5120, Calls: 3, Throttled: 2, Resent: 4}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("a call that is throttled as a whole is made again, and told when it goes on", func(t *testing.T) {
		var s *Stream
		f := &fake{call: func(_ context.Context, call int) error {
			if call < 4 {
				_ = s.clock.Pause(t.Context(), 6*time.Second) // of the test's own clock
				return slowDown
			}
			return nil
		}}
		s = f.stream("lake")
		told := 0
		s.Trouble = func(error) { told++ }
		if _, err := s.Put(ctx, bytesOf("a")); err != nil {
			t.Fatal(err)
		}
		if got := s.Counts(); got.Calls != 4 || got.Throttled != 3 || got.Records != 1 || got.Unanswered != 0 {
			t.Errorf("got %+v", got)
		}
		if told != 1 {
			t.Errorf("told of trouble %d times, want once", told)
		}
	})
	t.Run("pauses grow and are anywhere below the bound", func(t *testing.T) {
		for n, bound := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond} {
			for range 100 {
				if d := backoff.Pause(n); d < 0 || d >= bound {
					t.Fatalf("pause %v before try %d, want below %v", d, n+1, bound)
				}
			}
		}
		if d := backoff.Pause(60); d >= 10*time.Second {
			t.Errorf("pause %v, want below 10s", d)
		}
	})
	t.Run("a stream that takes nothing for its patience fails", func(t *testing.T) {
		f := &fake{call: func(context.Context, int) error { return slowDown }}
		s := f.stream("lake")
		_, err := s.Put(ctx, bytesOf("a"))
		var some *NotTakenError
		if err == nil || errors.As(err, &some) || !strings.Contains(err.Error(), "putting to lake: took nothing for 5m0s: ") || !errors.As(err, new(*types.ServiceUnavailableException)) {
			t.Errorf("got %v", err)
		}
		if waited := s.now().Sub(time.Unix(1_800_000_000, 0)); waited < Patience || waited > Patience+10*time.Second {
			t.Errorf("gave up after %v", waited)
		}
	})
	t.Run("a record that is never taken while others are is named", func(t *testing.T) {
		f := &fake{}
		s := f.stream("lake")
		f.record = func(_ int, data string) string {
			if data == "poison" {
				s.took() // as another batch does
				return "InternalFailure"
			}
			return ""
		}
		answer, err := s.Put(ctx, bytesOf("a", "poison", "b"))
		var some *NotTakenError
		if !errors.As(err, &some) || !slices.Equal(some.Records, []int{1}) || !strings.Contains(err.Error(), "InternalFailure") {
			t.Errorf("got %v", err)
		}
		if !slices.Equal(answer.Taken, []bool{true, false, true}) || !slices.Equal(f.taken, []string{"a", "b"}) {
			t.Errorf("took %v", f.taken)
		}
	})
	t.Run("progress starts the patience anew", func(t *testing.T) {
		f := &fake{}
		s := f.stream("lake")
		slow := s.clock.(*fakeClock)
		f.record = func(call int, data string) string { // one record every four minutes
			if data == fmt.Sprint(call) {
				return ""
			}
			_ = slow.Pause(ctx, 4*time.Minute)
			return "ServiceUnavailableException"
		}
		f.call = func(context.Context, int) error { return nil }
		if _, err := s.Put(ctx, bytesOf("1", "2")); err != nil {
			t.Error(err)
		}
	})
	for _, code := range []string{"ResourceNotFoundException", "InvalidArgumentException", "AccessDeniedException", "InvalidKMSResourceException"} {
		t.Run("not sent again: "+code, func(t *testing.T) {
			f := &fake{call: func(context.Context, int) error {
				return &smithy.GenericAPIError{Code: code, Message: "no", Fault: smithy.FaultClient}
			}}
			s := f.stream("lake")
			if _, err := s.Put(ctx, bytesOf("a")); err == nil || !strings.Contains(err.Error(), code) {
				t.Errorf("got %v", err)
			}
			if f.calls != 1 || s.Counts().Throttled != 0 {
				t.Errorf("%d calls, %+v", f.calls, s.Counts())
			}
		})
	}
	t.Run("a call without an answer is made again and counted as possibly twice", func(t *testing.T) {
		f := &fake{call: func(_ context.Context, call int) error {
			if call == 1 {
				return &smithy.OperationError{ServiceID: "Firehose", OperationName: "PutRecordBatch", Err: errors.New("read: connection reset by peer")}
			}
			return nil
		}}
		s := f.stream("lake")
		if _, err := s.Put(ctx, bytesOf("a", "b")); err != nil {
			t.Fatal(err)
		}
		if got := s.Counts(); got.Unanswered != 2 || got.Records != 2 || got.Throttled != 0 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a call that is never answered is made again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{call: func(ctx context.Context, call int) error {
				if call > 1 {
					return nil
				}
				<-ctx.Done()
				return &smithy.CanceledError{Err: ctx.Err()} // as the SDK says it
			}}
			s := f.stream("lake")
			if _, err := s.Put(t.Context(), bytesOf("a")); err != nil {
				t.Fatal(err)
			}
			if got := s.Counts(); got.Unanswered != 1 || got.Records != 1 || got.Calls != 2 {
				t.Errorf("got %+v", got)
			}
		})
	})
	t.Run("an interruption ends the pauses", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		f := &fake{call: func(_ context.Context, call int) error {
			if call == 3 {
				cancel()
			}
			return slowDown
		}}
		if _, err := f.stream("lake").Put(ctx, bytesOf("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestPace(t *testing.T) {
	c := newClock()
	began := c.now
	p := NewPace(100, 1000)
	p.clock, p.last = c, c.now
	for range 50 {
		if err := p.Wait(t.Context(), 10, 50); err != nil { // 10 records a call at 100 a second
			t.Fatal(err)
		}
	}
	if got := c.now.Sub(began).Seconds(); got < 4.74 || got > 5 {
		t.Errorf("500 records at 100 a second took %v s", got)
	}
	began = c.now
	for range 10 {
		if err := p.Wait(t.Context(), 1, 2000); err != nil { // twice a second's bytes
			t.Fatal(err)
		}
	}
	if got := c.now.Sub(began).Seconds(); got < 19 || got > 20.1 {
		t.Errorf("20,000 bytes at 1,000 a second took %v s", got)
	}
	t.Run("no pace waits for nothing", func(t *testing.T) {
		var none *Pace
		if err := none.Wait(t.Context(), 1<<30, 1<<30); err != nil {
			t.Error(err)
		}
	})
}

// run sends lines with fresh streams.
func run(t *testing.T, input io.Reader, o Options) Report {
	t.Helper()
	report, err := Send(t.Context(), t.Context(), input, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func sorted(texts []string) []string {
	all := slices.Clone(texts)
	slices.Sort(all)
	return all
}

// unpacked are the lines of records.
func unpacked(records []string) []string {
	var all []string
	for _, r := range records {
		all = append(all, strings.Split(strings.TrimSuffix(r, "\n"), "\n")...)
	}
	return sorted(all)
}

func TestSend(t *testing.T) {
	t.Run("every line goes to both streams, to the lake with a newline, to search without", func(t *testing.T) {
		lake, search := &fake{}, &fake{}
		lines := events(1201)
		report := run(t, strings.NewReader(strings.Join(lines, "\r\n")), Options{Lake: lake.stream("l"), Search: search.stream("s")})
		if got := sorted(search.taken); !slices.Equal(got, lines) {
			t.Errorf("search took %d records", len(got))
		}
		if got := unpacked(lake.taken); !slices.Equal(got, lines) || len(lake.taken) != 1201 || !strings.HasSuffix(lake.taken[0], "}\n") {
			t.Errorf("the lake took %d records", len(lake.taken))
		}
		if report.Lines != 1201 || len(report.Streams) != 2 || report.Streams[0].Events != 1201 || report.Streams[1].Records != 1201 || report.Streams[1].Confirmed != 1201 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("packed, the lake stream takes fewer records and search still one each", func(t *testing.T) {
		lake, search := &fake{}, &fake{}
		lines := events(1000)
		report := run(t, strings.NewReader(strings.Join(lines, "\n")+"\n"), Options{Lake: lake.stream("l"), Search: search.stream("s"), Pack: true})
		if got := unpacked(lake.taken); !slices.Equal(got, lines) {
			t.Errorf("the lake took other lines")
		}
		if got := sorted(search.taken); !slices.Equal(got, lines) {
			t.Errorf("search took %d records", len(got))
		}
		l := report.Streams[0]
		if l.Records != 2 || l.Events != 1000 || l.Unpacked != 1000*BilledBytes || l.Billed != 2*4*BilledBytes {
			t.Errorf("got %+v", l)
		}
	})
	t.Run("an event that the transform refuses is never packed with others", func(t *testing.T) {
		lake := &fake{}
		lines := []string{`{"event_id":"1"}`, `{"event_id":"2"`, `{"event_id":"3"}`, `{"event_id":"4"}{"event_id":"5"}`}
		report := run(t, strings.NewReader(strings.Join(lines, "\n")+"\n"), Options{Lake: lake.stream("l"), Pack: true})
		want := []string{lines[0] + "\n", lines[1] + "\n", lines[2] + "\n" + lines[3] + "\n"}
		if !slices.Equal(lake.taken, want) {
			t.Errorf("took %q, want %q", lake.taken, want)
		}
		if report.Invalid != 1 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("what is no event is sent as it is and told, or rejected when that is wanted; blank lines are not sent", func(t *testing.T) {
		for _, refuse := range []bool{false, true} {
			lake, search := &fake{}, &fake{}
			var told []Invalid
			rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
			report := run(t, strings.NewReader("{\"event_id\":\"1\"}\n\n  \nnot json\n{} {}\n"), Options{Lake: lake.stream("l"), Search: search.stream("s"), Refuse: refuse,
				Invalid: func(i Invalid) { told = append(told, i) }, Rejects: rejects})
			if err := rejects.Close(); err != nil {
				t.Fatal(err)
			}
			if len(told) != 2 || told[0].Line != 4 || told[1].Line != 5 || told[0].Rejected != refuse || told[1].Err.(*event.Error).Reason != event.TrailingData {
				t.Errorf("told %+v", told)
			}
			want := Report{Lines: 5, Blank: 2, Invalid: 2}
			taken, kept := 3, ""
			if refuse {
				want.Invalid, want.Rejected, taken, kept = 0, 2, 1, "not json\n{} {}\n"
			}
			if report.Lines != want.Lines || report.Blank != want.Blank || report.Invalid != want.Invalid || report.Rejected != want.Rejected || len(search.taken) != taken || len(lake.taken) != taken {
				t.Errorf("got %+v, took %q", report, search.taken)
			}
			if text, _ := os.ReadFile(rejects.Path); string(text) != kept {
				t.Errorf("rejected %q, want %q", text, kept)
			}
		}
	})
	t.Run("a line longer than a record is rejected by its number and kept whole, whatever its length", func(t *testing.T) {
		edge := `"` + strings.Repeat("e", MaxRecordBytes-2) + `"`
		for _, long := range []string{strings.Repeat("x", MaxRecordBytes+1), strings.Repeat("y", 3*MaxRecordBytes)} {
			for _, end := range []string{"\n", "\r\n", ""} {
				lake, search := &fake{}, &fake{}
				var told []Invalid
				rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
				report := run(t, strings.NewReader("{}\n"+edge+"\r\n"+long+end), Options{Lake: lake.stream("l"), Search: search.stream("s"), Rejects: rejects,
					Invalid: func(i Invalid) { told = append(told, i) }})
				if err := rejects.Close(); err != nil {
					t.Fatal(err)
				}
				if report.Rejected != 1 || report.Lines != 3 || !slices.Equal(sorted(search.taken), []string{edge, "{}"}) || !slices.Equal(sorted(lake.taken), []string{edge, "{}\n"}) {
					t.Errorf("got %+v", report)
				}
				if last := told[len(told)-1]; last.Line != 3 && told[0].Line != 3 || !last.Rejected && !told[0].Rejected {
					t.Errorf("told %+v", told)
				}
				text, err := os.ReadFile(rejects.Path)
				if err != nil || strings.TrimRight(string(text), "\r\n") != long || text[len(text)-1] != '\n' {
					t.Errorf("kept %d bytes, %v", len(text), err)
				}
			}
		}
	})
	t.Run("a stream that throttles does not hold the other back", func(t *testing.T) {
		lines := events(5000)
		searched := make(chan struct{})
		search := &fake{}
		search.call = func(_ context.Context, call int) error {
			if call == 10 {
				close(searched)
			}
			return nil
		}
		lake := &fake{call: func(ctx context.Context, _ int) error {
			select {
			case <-searched: // takes nothing before search has all
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		run(t, strings.NewReader(strings.Join(lines, "\n")), Options{Lake: lake.stream("l"), Search: search.stream("s")})
		if !slices.Equal(sorted(search.taken), lines) || !slices.Equal(unpacked(lake.taken), lines) {
			t.Error("records are missing")
		}
	})
	t.Run("memory is bounded when a stream takes nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			input := &endless{line: []byte(`{"event_id":"` + strings.Repeat("x", 8<<10) + `"}` + "\n")}
			lake := &fake{call: func(ctx context.Context, _ int) error {
				<-ctx.Done()
				return ctx.Err()
			}}
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = Send(ctx, ctx, input, Options{Lake: lake.stream("l"), Search: (&fake{}).stream("s")}) // fails by the context
			}()
			synctest.Wait() // until nothing goes on
			if input.read < backlog/4 || input.read > backlog {
				t.Errorf("read %d bytes, want %d to %d", input.read, backlog/4, backlog)
			}
			cancel()
			<-done
		})
	})
	t.Run("lines are paced", func(t *testing.T) {
		c := newClock()
		report := run(t, strings.NewReader(strings.Join(events(1000), "\n")), Options{Lake: (&fake{}).stream("l"), Rate: 50, clock: c})
		if report.ElapsedSeconds < 19.5 || report.ElapsedSeconds > 20.1 {
			t.Errorf("1,000 events at 50 a second took %v s", report.ElapsedSeconds)
		}
	})
	t.Run("an input that breaks off sends what was before, and fails", func(t *testing.T) {
		lake := &fake{}
		report, err := Send(t.Context(), t.Context(), io.MultiReader(strings.NewReader("{}\n{\"a\""), broken{}), Options{Lake: lake.stream("l")})
		if err == nil || !strings.Contains(err.Error(), "reading the events: disk on fire") || report.Lines != 1 || !slices.Equal(lake.taken, []string{"{}\n"}) {
			t.Errorf("got %+v, %v, took %q", report, err, lake.taken)
		}
	})
	t.Run("a record that one stream never takes goes to that stream's file", func(t *testing.T) {
		search := &fake{}
		s := search.stream("s")
		search.record = func(_ int, data string) string {
			if strings.Contains(data, "e-00002") {
				s.took()
				return "InternalFailure"
			}
			return ""
		}
		rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
		report := run(t, strings.NewReader(strings.Join(events(3), "\n")), Options{Lake: (&fake{}).stream("l"), Search: s, Rejects: rejects})
		if err := rejects.Close(); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(rejects.Path + ".search"); string(text) != events(2)[1]+"\n" {
			t.Errorf("kept %q", text)
		}
		if _, err := os.Stat(rejects.Path); err == nil {
			t.Error("the file of lines that no stream has was made")
		}
		if report.Streams[0].NotTaken != 0 || report.Streams[0].Events != 3 || report.Streams[1].NotTaken != 1 || report.Streams[1].Events != 2 {
			t.Errorf("got %+v %+v", report.Streams[0], report.Streams[1])
		}
	})
	t.Run("without a stream nothing is sent", func(t *testing.T) {
		if _, err := Send(t.Context(), t.Context(), strings.NewReader("{}"), Options{}); err == nil {
			t.Error("no error")
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// endless repeats a line.
type endless struct {
	line []byte
	read int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e.line) <= len(p) {
		n += copy(p[n:], e.line)
	}
	e.read += int64(n)
	return n, nil
}

func TestState(t *testing.T) {
	names := map[event.Stream]string{event.Lake: "l", event.Search: "s"}
	open := func(t *testing.T, path string) *State {
		t.Helper()
		state, err := OpenState(path, names)
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	t.Run("a run that was interrupted goes on, without loss and without a duplicate", func(t *testing.T) {
		lines := events(20_000)
		text := strings.Join(lines, "\n") + "\n"
		path := filepath.Join(t.TempDir(), "state")
		lake, search := &fake{}, &fake{}
		runs := 0
		for runs < 50 {
			runs++
			soft, interrupt := context.WithCancel(t.Context())
			search.calls = 0
			search.call = func(_ context.Context, call int) error {
				if call == 2+runs%3 {
					interrupt()
				}
				return nil
			}
			report, err := Send(soft, t.Context(), strings.NewReader(text), Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)})
			interrupt()
			if err != nil {
				t.Fatal(err)
			}
			if !report.Interrupted {
				break
			}
		}
		if runs < 3 || runs == 50 {
			t.Errorf("%d runs", runs)
		}
		if !slices.Equal(unpacked(lake.taken), lines) || !slices.Equal(sorted(search.taken), lines) {
			t.Errorf("the lake took %d records and search %d, of %d", len(lake.taken), len(search.taken), len(lines))
		}
	})
	t.Run("a run that was killed goes on, without loss, and doubles no more than what was on its way", func(t *testing.T) {
		lines := events(20_000)
		text := strings.Join(lines, "\n") + "\n"
		path := filepath.Join(t.TempDir(), "state")
		lake, search := &fake{}, &fake{}
		kills := 0
		for {
			hard, kill := context.WithCancel(t.Context())
			killed := false
			lake.calls = 0
			lake.record = func(call int, _ string) string {
				if call == 5+kills && !killed {
					killed = true
					kill()
				}
				return ""
			}
			_, err := Send(hard, hard, strings.NewReader(text), Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)})
			kill()
			if !killed {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			kills++
		}
		for kind, taken := range map[event.Stream][]string{event.Lake: unpacked(lake.taken), event.Search: sorted(search.taken)} {
			if once := slices.Compact(slices.Clone(taken)); !slices.Equal(once, lines) {
				t.Errorf("%s has %d of %d", kind, len(once), len(lines))
			}
			if doubled, most := len(taken)-len(lines), kills*inFlight*MaxBatchRecords; doubled > most {
				t.Errorf("%s has %d twice, want at most %d", kind, doubled, most)
			}
		}
		if kills < 3 {
			t.Errorf("killed %d times", kills)
		}
	})
	t.Run("a stream that lags goes on where it was", func(t *testing.T) {
		lines := events(5000)
		text := strings.Join(lines, "\n") + "\n"
		path := filepath.Join(t.TempDir(), "state")
		lake, search := &fake{}, &fake{}
		lake.call = func(_ context.Context, call int) error {
			if call > 2 {
				return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
			}
			return nil
		}
		if _, err := Send(t.Context(), t.Context(), strings.NewReader(text), Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)}); err == nil {
			t.Fatal("no error")
		}
		lake.call = nil
		run(t, strings.NewReader(text), Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)})
		if !slices.Equal(unpacked(lake.taken), lines) || !slices.Equal(sorted(search.taken), lines) {
			t.Errorf("the lake took %d records and search %d, of %d", len(lake.taken), len(search.taken), len(lines))
		}
	})
	t.Run("an input that has grown goes on with what is new", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		lake := &fake{}
		for _, text := range []string{"{\"a\":1}\n", "{\"a\":1}\n{\"a\":2}\n"} {
			run(t, strings.NewReader(text), Options{Lake: lake.stream("l"), State: open(t, path)})
		}
		if want := []string{"{\"a\":1}\n", "{\"a\":2}\n"}; !slices.Equal(lake.taken, want) {
			t.Errorf("took %q", lake.taken)
		}
	})
	t.Run("another input is refused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		run(t, strings.NewReader("{\"a\":1}\n{\"a\":2}"), Options{Lake: (&fake{}).stream("l"), State: open(t, path)})
		for text, want := range map[string]string{
			"{\"a\":1}\n{\"a\":3}":     "the state is of another input: the first 15 bytes differ",
			"{}":                       "the state is of another input: 15 bytes of it are done, and there are only 2",
			"{\"a\":1}\n{\"a\":2}, 3}": "the input has grown within line 2, which had no end when it was sent",
		} {
			lake := &fake{}
			if _, err := Send(t.Context(), t.Context(), strings.NewReader(text), Options{Lake: lake.stream("l"), State: open(t, path)}); err == nil || err.Error() != want || len(lake.taken) > 0 {
				t.Errorf("%s: got %v, want %s", text, err, want)
			}
		}
	})
	t.Run("a state of another stream, another program or another version is refused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		run(t, strings.NewReader("{}"), Options{Lake: (&fake{}).stream("l"), State: open(t, path)})
		if _, err := OpenState(path, map[event.Stream]string{event.Lake: "other"}); err == nil || !strings.HasSuffix(err.Error(), "is of the lake stream l (got other)") {
			t.Errorf("got %v", err)
		}
		for _, text := range []string{"", "{}", `{"version":2,"streams":{}}`, "[]"} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenState(path, names); err == nil {
				t.Errorf("%q is taken", text)
			}
		}
	})
	t.Run("a state that cannot be written is said at once", func(t *testing.T) {
		if _, err := OpenState(filepath.Join(t.TempDir(), "none", "state"), names); err == nil || !strings.HasPrefix(err.Error(), "writing the state: ") {
			t.Errorf("got %v", err)
		}
	})
}
