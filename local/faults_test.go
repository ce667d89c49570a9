package local_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/local"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/fault"
)

// faulty is a run with faults: 2,500 events to each stream, of which one in 25 cannot be delivered, in error objects
// every minute.
func faulty(t *testing.T, specs ...string) (*world, local.Report) {
	t.Helper()
	return faultyOf(t, 2500, specs...)
}

func faultyOf(t *testing.T, count int, specs ...string) (*world, local.Report) {
	t.Helper()
	o := options(t, "json")
	for _, spec := range specs {
		if err := o.Faults.Add(spec); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, o)
	var events []string
	for i := range count {
		switch event := fmt.Sprintf(`{"event_id":"e-%d","amount":%d}`, i, i); i % 50 {
		case 10:
			events = append(events, event[:len(event)-1])
		case 20:
			events = append(events, event+event) // only the lake takes it
		case 30:
			events = append(events, fmt.Sprintf(`{"event_id":"e-%d","event_type":"heartbeat"}`, i))
		case 40:
			events = append(events, fmt.Sprintf(`{"event_id":"e-%d","amount":NaN}`, i))
		default:
			events = append(events, event)
		}
	}
	w.put(events...)
	return w, w.flush()
}

// checked is the check of a run without other losses than AWS declares, in which every fault occurred.
func (w *world) checked(report local.Report) audit.Report {
	w.Helper()
	for name, n := range report.Faults {
		if n == 0 {
			w.Errorf("%s never came about", name)
		}
	}
	c, err := w.Check(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	if !c.Clean() {
		w.Errorf("%d findings, the first: %s", len(c.Findings), c.Findings[0])
	}
	for _, s := range []local.Counts{report.Streams.Lake.Counts, report.Streams.Search.Counts} {
		if s.Received != report.Events || s.Received != s.Delivered+s.Dropped+s.Failed+s.Discarded {
			w.Errorf("counts: got %+v", s)
		}
	}
	return c
}

func codes(w *world) map[string]int {
	w.Helper()
	found := map[string]int{}
	for _, m := range w.letters() {
		found[m.ErrorCode]++
	}
	return found
}

func TestFaults(t *testing.T) {
	for _, k := range fault.Kinds {
		if slices.Contains(fault.OfKinesis, k.Name) {
			continue // TestFaultsOfTheDataStream
		}
		t.Run("alone nothing is lost: "+string(k.Name), func(t *testing.T) {
			w, report := faulty(t, string(k.Name))
			if got := w.checked(report); len(got.Losses) > 0 {
				t.Errorf("losses: got %v", got.Losses)
			}
		})
	}
	for name, code := range map[fault.Name]string{
		fault.TransformCrash: "Lambda.FunctionError", fault.TransformHang: "Lambda.FunctionTimedOut",
		fault.TransformTimeout: "Lambda.FunctionTimedOut",
		fault.TransformError:   "Lambda.FunctionError", fault.TransformOversize: "Lambda.FunctionError",
	} {
		t.Run("in every try the records become dead letters: "+string(name), func(t *testing.T) {
			w, report := faultyOf(t, 500, string(name)+":1")
			w.checked(report)
			if lake := report.Streams.Lake; lake.Failed != 500 || lake.Delivered != 0 {
				t.Errorf("lake: got %+v", lake)
			}
			for _, m := range w.letters() {
				if m.Kind == "record" && (m.ErrorCode != code || m.Attempts != 4) {
					t.Fatalf("letter: got %s after %d tries, want %s after 4", m.ErrorCode, m.Attempts, code)
				}
			}
		})
	}
	t.Run("a record that an answer lacks, or has twice, becomes a dead letter", func(t *testing.T) {
		w, report := faulty(t, "transform-missing:1", "transform-doubled:1")
		w.checked(report)
		if got := codes(w); int64(got["Lambda.MissingRecordId"]) != report.Faults[fault.TransformMissing] ||
			int64(got["Lambda.DuplicatedRecordId"]) != report.Faults[fault.TransformDoubled] {
			t.Errorf("letters %v, faults %v", got, report.Faults)
		}
	})
	t.Run("objects that S3 refuses for less than a day are stored when it takes them", func(t *testing.T) {
		w, report := faulty(t, "s3-down:23h")
		if c := w.checked(report); len(c.Losses) > 0 || report.Streams.Lake.Delivered == 0 {
			t.Errorf("got %+v, losses %v", report.Streams.Lake, c.Losses)
		}
	})
	t.Run("what S3 refuses for more than a day is lost, and declared: delivery, copies and dead letters",
		func(t *testing.T) {
			w, report := faulty(t, "s3-down:25h")
			lake, search := report.Streams.Lake, report.Streams.Search
			want := map[string]int64{"lake": lake.Discarded - 100, "error objects": 100 + search.Discarded,
				"source backup": 2500 + 2500}
			if c := w.checked(report); !maps.Equal(c.Losses, want) {
				t.Errorf("losses: got %v, want %v", c.Losses, want)
			}
			if lake.Delivered != 0 || lake.Uncopied != 2500 || search.Delivered == 0 || search.Discarded != 150 ||
				search.Uncopied != 2500 {
				t.Errorf("got lake %+v, search %+v", lake, search)
			}
			for path := range w.files() {
				if strings.HasPrefix(path, "s3/") {
					t.Errorf("there is %s", path)
				}
			}
		})
	t.Run("search that is away past the retry time makes dead letters", func(t *testing.T) {
		for spec, code := range map[string]string{"search-down:11m": "OS.ServiceException", "search-403:11m": "403"} {
			w, report := faulty(t, spec)
			w.checked(report)
			if got := codes(w); got[code] == 0 {
				t.Errorf("%s: letters %v", spec, got)
			}
		}
	})
	t.Run("a document that was indexed, with the answer lost to the end, is told by the id in its dead letter",
		func(t *testing.T) {
			w, report := faulty(t, "search-lost:1")
			c := w.checked(report)
			if stored := c.Duplicates.Stored; stored == 0 || stored+150 != report.Streams.Search.Failed ||
				report.Streams.Search.Delivered != 0 {
				t.Errorf("duplicates %+v, search %+v", c.Duplicates, report.Streams.Search)
			}
			t.Run("and without that id it is doubled", func(t *testing.T) {
				path, content := w.find("dead-letter-queue")
				line := lineOf(t, content, "e-12", `"stage":"search"`)
				rewrite(t, path, func(s string) string {
					all := strings.SplitAfter(s, "\n")
					all[line] = strings.Replace(all[line], `"documentId":"`, `"documentId":"x`, 1)
					return strings.Join(all, "")
				})
				if got := w.check(); len(got) != 1 ||
					!strings.HasSuffix(got[0], `(event_id "e-12") is doubled in the search index`) {
					t.Errorf("got %q", got)
				}
			})
		})
	t.Run("an answer that is lost once leaves the document in the index once", func(t *testing.T) {
		w, report := faulty(t, "search-lost:0.5")
		if c := w.checked(report); c.Duplicates.Overwritten == 0 || c.Duplicates.Stored != 0 {
			t.Errorf("duplicates %+v", c.Duplicates)
		}
	})
	t.Run("a handler that is killed sends letters again with the same ids", func(t *testing.T) {
		w, report := faulty(t, "handler-killed:0.02")
		before := w.checked(report).Duplicates.Letters
		seen, twice := map[string]bool{}, ""
		for _, m := range w.letters() {
			if seen[m.ID] {
				twice = m.ID
			}
			seen[m.ID] = true
		}
		if before == 0 || twice == "" {
			t.Fatalf("%d duplicates", before)
		}
		path, content := w.find("dead-letter-queue")
		copies := int64(strings.Count(content, `"id":"`+twice+`"`))
		for left := copies - 1; left >= 0; left-- {
			line := strings.Count(content[:strings.Index(content, `"id":"`+twice+`"`)], "\n")
			rewrite(t, path, without(line))
			content = lines(line, 0)(content)
			c, err := w.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left > 0 && (!c.Clean() || c.Duplicates.Letters != before-copies+left) || left == 0 &&
				(len(c.Findings) != 1 || c.Findings[0].Problem != audit.Missing) {
				t.Errorf("with %d of %d copies left: got %+v", left, copies, c)
			}
		}
	})
	t.Run("a handler that fails for good leaves the notification in the queue, whose records the letters before it name too", func(t *testing.T) {
		w, report := faulty(t, "handler-timeout:1")
		c := w.checked(report)
		invocations := 0
		for _, m := range w.letters() {
			if m.Kind == "invocation" {
				invocations++
			}
		}
		if want := report.Streams.Lake.Failed + report.Streams.Search.Failed; invocations == 0 ||
			c.Duplicates.Letters != 3*want {
			t.Errorf("%d invocations, duplicates %+v, want three times %d", invocations, c.Duplicates, want)
		}
	})
	t.Run("together nothing is lost, and the same seed has the same failures", func(t *testing.T) {
		w, report := faulty(t, "all")
		w.checked(report)
		// A document that has no dead letter beside it.
		path, content := w.find("opensearch/realtime-events-2026-09-21-11")
		lettered := map[string]bool{}
		for _, m := range w.letters() {
			lettered[m.EventID] = true
		}
		line := slices.IndexFunc(strings.Split(content, "\n"), func(document string) bool {
			_, id, _ := strings.Cut(document, `{"event_id":"`)
			id, _, _ = strings.Cut(id, `"`)
			return !lettered[id]
		})
		rewrite(t, path, without(line))
		if got := w.check(); len(got) != 1 || !strings.HasSuffix(got[0], "is missing in the search index") {
			t.Errorf("without document %d of %d: got %q", line, strings.Count(content, "\n"), got)
		}
		_, again := faulty(t, "all")
		again.ElapsedSeconds = report.ElapsedSeconds
		if !reflect.DeepEqual(again, report) {
			t.Errorf("got %+v, %+v\nand then %+v, %+v", report, *report.Streams.Search, again, *again.Streams.Search)
		}
	})
	for _, name := range []string{"plain", "untransformed", "small"} {
		t.Run("of all faults a stack has those that it can have: "+name, func(t *testing.T) {
			o := options(t, name)
			if err := o.Faults.Add("all"); err != nil {
				t.Fatal(err)
			}
			w := open(t, o)
			w.put(append(shopEvents(t)[:200], spoiled...)...)
			report := w.flush()
			_, transform := report.Faults[fault.TransformCrash]
			_, search := report.Faults[fault.SearchDown]
			for _, s := range w.Streams() {
				if transform != (s.Config.Transform != nil) {
					t.Errorf("got %v", report.Faults)
				}
			}
			if search != (report.Streams.Search != nil) {
				t.Errorf("got %v", report.Faults)
			}
			w.clean()
		})
	}
	t.Run("one that a stack cannot have is refused by name", func(t *testing.T) {
		o := options(t, "plain")
		if err := o.Faults.Add("transform-crash"); err != nil {
			t.Fatal(err)
		}
		if _, err := local.Open(t.Context(), o); err == nil ||
			!strings.Contains(err.Error(), "fault transform-crash: the stack has no transform "+
				"(enableDataTransformation is false)") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("another seed has others", func(t *testing.T) {
		o := options(t, "json")
		if err := o.Faults.Add("search-429-documents:0.5"); err != nil {
			t.Fatal(err)
		}
		var first int64
		for seed := range uint64(5) {
			o.FaultSeed, o.Out = seed, t.TempDir()
			w := open(t, o)
			w.put(shopEvents(t)[:200]...)
			n := w.flush().Faults[fault.SearchDocuments]
			if seed == 0 {
				first = n
			} else if n != first {
				return
			}
		}
		t.Errorf("five seeds have %d each", first)
	})
}

// Documents whose responses were lost are in the index all the same, and the report counts them there.
func TestReportOfLostResponses(t *testing.T) {
	w, report := faultyOf(t, 100, "search-lost:1")
	search := report.Streams.Search
	if search.Delivered != 0 || search.Failed == 0 {
		t.Fatalf("got %+v", search)
	}
	stored := map[string]int64{}
	for name, content := range w.files() {
		if index, ok := strings.CutPrefix(name, "opensearch/"); ok {
			stored[strings.TrimSuffix(index, ".ndjson")] = int64(strings.Count(content, "\n"))
		}
	}
	if len(stored) == 0 || !maps.Equal(search.Indices, stored) {
		t.Errorf("got indices %v, want %v", search.Indices, stored)
	}
}
