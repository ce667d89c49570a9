package producer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/filelock"
)

func TestState(t *testing.T) {
	names := map[event.Stream]string{event.Lake: "l", event.Search: "s"}
	var last *State
	open := func(t *testing.T, path string) *State {
		t.Helper()
		if last == nil {
			t.Cleanup(func() { last = nil })
		} else if err := last.Close(); err != nil { // the run before has ended
			t.Fatal(err)
		}
		var err error
		if last, err = OpenState(path, names); err != nil {
			t.Fatal(err)
		}
		return last
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
			report, err := Send(soft, t.Context(), strings.NewReader(text),
				Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)})
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
	t.Run("a run that was killed goes on, without loss, and doubles no more than what was on its way",
		func(t *testing.T) {
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
				_, err := Send(hard, hard, strings.NewReader(text),
					Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)})
				kill()
				if !killed {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				kills++
			}
			for kind, taken := range map[event.Stream][]string{event.Lake: unpacked(lake.taken),
				event.Search: sorted(search.taken)} {
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
		if _, err := Send(t.Context(), t.Context(), strings.NewReader(text),
			Options{Lake: lake.stream("l"), Search: search.stream("s"), State: open(t, path)}); err == nil {
			t.Fatal("no error")
		}
		lake.call = nil
		run(t, strings.NewReader(text), Options{Lake: lake.stream("l"), Search: search.stream("s"),
			State: open(t, path)})
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
			"{\"a\":1}\n{\"a\":3}":     "the state belongs to another input: the first 15 bytes differ",
			"{}":                       "the state belongs to another input: 15 bytes are done, and this one has only 2",
			"{\"a\":1}\n{\"a\":2}, 3}": "the input has grown within line 2, which had no line end when it was sent",
		} {
			lake := &fake{}
			if _, err := Send(t.Context(), t.Context(), strings.NewReader(text),
				Options{Lake: lake.stream("l"), State: open(t, path)}); err == nil || err.Error() != want ||
				len(lake.taken) > 0 {
				t.Errorf("%s: got %v, want %s", text, err, want)
			}
		}
	})
	t.Run("a state of another stream, another program or another version is refused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		state := open(t, path)
		last = nil
		run(t, strings.NewReader("{}"), Options{Lake: (&fake{}).stream("l"), State: state})
		if err := state.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenState(path, map[event.Stream]string{event.Lake: "other"}); err == nil ||
			!strings.HasSuffix(err.Error(), "belongs to the lake stream l (got other)") {
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
	t.Run("a state that another run uses is refused, and left as it is", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state")
		first := open(t, path)
		if _, err := OpenState(path, names); !errors.Is(err, filelock.ErrInUse) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
		lines := events(2000)
		lake := &fake{}
		run(t, strings.NewReader(strings.Join(lines, "\n")+"\n"), Options{Lake: lake.stream("l"), State: first})
		run(t, strings.NewReader(strings.Join(lines, "\n")+"\n"), Options{Lake: lake.stream("l"), State: open(t, path)})
		if !slices.Equal(unpacked(lake.taken), lines) {
			t.Errorf("the lake took %d records of %d", len(lake.taken), len(lines))
		}
	})
	t.Run("a state that cannot be written is said at once", func(t *testing.T) {
		if _, err := OpenState(filepath.Join(t.TempDir(), "none", "state"), names); err == nil ||
			!strings.HasPrefix(err.Error(), "writing the state: ") {
			t.Errorf("got %v", err)
		}
	})
}
