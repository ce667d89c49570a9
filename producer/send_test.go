package producer

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"firehose-pipeline/event"
)

func TestSend(t *testing.T) {
	t.Run("every line goes to both streams, to the lake with a newline, to search without", func(t *testing.T) {
		lake, search := &fake{}, &fake{}
		lines := events(1201)
		report := run(t, strings.NewReader(strings.Join(lines, "\r\n")),
			Options{Lake: lake.stream("l"), Search: search.stream("s")})
		if got := sorted(search.taken); !slices.Equal(got, lines) {
			t.Errorf("search took %d records", len(got))
		}
		if got := unpacked(lake.taken); !slices.Equal(got, lines) || len(lake.taken) != 1201 ||
			!strings.HasSuffix(lake.taken[0], "}\n") {
			t.Errorf("the lake took %d records", len(lake.taken))
		}
		if report.Lines != 1201 || len(report.Streams) != 2 || report.Streams[0].Events != 1201 ||
			report.Streams[1].Records != 1201 || report.Streams[1].Confirmed != 1201 {
			t.Errorf("got %+v", report)
		}
	})
	t.Run("packed, the lake stream takes fewer records and search still one each", func(t *testing.T) {
		lake, search := &fake{}, &fake{}
		lines := events(1000)
		report := run(t, strings.NewReader(strings.Join(lines, "\n")+"\n"),
			Options{Lake: lake.stream("l"), Search: search.stream("s"), Pack: true})
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
	t.Run("every line that is an event is shown, and no other", func(t *testing.T) {
		var shown []string
		run(t, strings.NewReader("{\"event_id\":\"1\"}\r\n\nnot json\n{}{}\n {} \n"), Options{Lake: (&fake{}).stream("l"),
			Search: (&fake{}).stream("s"), Event: func(line []byte) { shown = append(shown, string(line)) }})
		if want := []string{`{"event_id":"1"}`, " {} "}; !slices.Equal(shown, want) {
			t.Errorf("got %q, want %q", shown, want)
		}
	})
	t.Run("what is no event is sent as it is and told, or rejected when that is wanted; blank lines are not sent",
		func(t *testing.T) {
			for _, refuse := range []bool{false, true} {
				lake, search := &fake{}, &fake{}
				var told []Invalid
				rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
				report := run(t, strings.NewReader("{\"event_id\":\"1\"}\n\n  \nnot json\n{} {}\n"),
					Options{Lake: lake.stream("l"), Search: search.stream("s"), RejectInvalid: refuse,
						Invalid: func(i Invalid) { told = append(told, i) }, Rejects: rejects})
				if err := rejects.Close(); err != nil {
					t.Fatal(err)
				}
				if len(told) != 2 || told[0].Line != 4 || told[1].Line != 5 || told[0].Rejected != refuse ||
					told[1].Err.(*event.Error).Reason != event.TrailingData {
					t.Errorf("told %+v", told)
				}
				want := Report{Lines: 5, Blank: 2, Invalid: 2}
				taken, kept := 3, ""
				if refuse {
					want.Invalid, want.Rejected, taken, kept = 0, 2, 1, "not json\n{} {}\n"
				}
				if report.Lines != want.Lines || report.Blank != want.Blank || report.Invalid != want.Invalid ||
					report.Rejected != want.Rejected || len(search.taken) != taken || len(lake.taken) != taken {
					t.Errorf("got %+v, took %q", report, search.taken)
				}
				if text, _ := os.ReadFile(rejects.Path); string(text) != kept {
					t.Errorf("rejected %q, want %q", text, kept)
				}
			}
		})
	t.Run("a line longer than a record is rejected by its number and kept whole, whatever its length",
		func(t *testing.T) {
			edge := `"` + strings.Repeat("e", MaxRecordBytes-2) + `"`
			for _, long := range []string{strings.Repeat("x", MaxRecordBytes+1),
				strings.Repeat("y", 3*MaxRecordBytes)} {
				for _, end := range []string{"\n", "\r\n", ""} {
					lake, search := &fake{}, &fake{}
					var told []Invalid
					rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
					report := run(t, strings.NewReader("{}\n"+edge+"\r\n"+long+end),
						Options{Lake: lake.stream("l"), Search: search.stream("s"), Rejects: rejects,
							Invalid: func(i Invalid) { told = append(told, i) }})
					if err := rejects.Close(); err != nil {
						t.Fatal(err)
					}
					if report.Rejected != 1 || report.Lines != 3 ||
						!slices.Equal(sorted(search.taken), []string{edge, "{}"}) ||
						!slices.Equal(sorted(lake.taken), []string{edge, "{}\n"}) {
						t.Errorf("got %+v", report)
					}
					if last := told[len(told)-1]; last.Line != 3 && told[0].Line != 3 ||
						!last.Rejected && !told[0].Rejected {
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
		run(t, strings.NewReader(strings.Join(lines, "\n")),
			Options{Lake: lake.stream("l"), Search: search.stream("s")})
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
				// fails by the context
				_, _ = Send(ctx, ctx, input, Options{Lake: lake.stream("l"), Search: (&fake{}).stream("s")})
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
		report := run(t, strings.NewReader(strings.Join(events(1000), "\n")),
			Options{Lake: (&fake{}).stream("l"), Rate: 50, clock: c})
		if report.ElapsedSeconds < 19.5 || report.ElapsedSeconds > 20.1 {
			t.Errorf("1,000 events at 50 a second took %v s", report.ElapsedSeconds)
		}
	})
	t.Run("an input that breaks off sends what was before, and fails", func(t *testing.T) {
		lake := &fake{}
		report, err := Send(t.Context(), t.Context(), io.MultiReader(strings.NewReader("{}\n{\"a\""), broken{}),
			Options{Lake: lake.stream("l")})
		if err == nil || !strings.Contains(err.Error(), "reading the events: disk on fire") || report.Lines != 1 ||
			!slices.Equal(lake.taken, []string{"{}\n"}) {
			t.Errorf("got %+v, %v, took %q", report, err, lake.taken)
		}
	})
	t.Run("a record that one stream never takes goes to that stream's file", func(t *testing.T) {
		search := &fake{}
		s := search.stream("s")
		search.record = func(_ int, data string) string {
			if strings.Contains(data, "e-00002") {
				s.noteAccepted()
				return "InternalFailure"
			}
			return ""
		}
		rejects := &Rejects{Path: filepath.Join(t.TempDir(), "rejected")}
		report := run(t, strings.NewReader(strings.Join(events(3), "\n")),
			Options{Lake: (&fake{}).stream("l"), Search: s, Rejects: rejects})
		if err := rejects.Close(); err != nil {
			t.Fatal(err)
		}
		if text, _ := os.ReadFile(rejects.Path + ".search"); string(text) != events(2)[1]+"\n" {
			t.Errorf("kept %q", text)
		}
		if _, err := os.Stat(rejects.Path); err == nil {
			t.Error("the file of lines that no stream has was made")
		}
		if report.Streams[0].NotAccepted != 0 || report.Streams[0].Events != 3 || report.Streams[1].NotAccepted != 1 ||
			report.Streams[1].Events != 2 {
			t.Errorf("got %+v %+v", report.Streams[0], report.Streams[1])
		}
	})
	t.Run("without a stream nothing is sent", func(t *testing.T) {
		if _, err := Send(t.Context(), t.Context(), strings.NewReader("{}"), Options{}); err == nil {
			t.Error("no error")
		}
	})
}
