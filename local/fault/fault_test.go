package fault

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

func plan(t *testing.T, texts ...string) Plan {
	t.Helper()
	var p Plan
	for _, text := range texts {
		if err := p.Add(text); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		texts []string
		want  string
	}{
		{"without a parameter the default", []string{"transform-crash", "s3-down"}, "transform-crash:0.1 s3-down:20m"},
		{"with one", []string{"transform-crash:1", "s3-down:25h", "search-down:90s"},
			"transform-crash:1 s3-down:25h search-down:1m30s"},
		{"the last one counts", []string{"sqs-partial:0.5", "sqs-partial:0.25"}, "sqs-partial:0.25"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := plan(t, c.texts...)
			if got := p.String(); got != c.want || p.Empty() {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("all are all, and one that is named counts before and after", func(t *testing.T) {
		for _, texts := range [][]string{{"all", "search-lost:0.75"}, {"search-lost:0.75", "all"}} {
			p := plan(t, texts...)
			if len(p.Names()) != len(Kinds) || !strings.Contains(p.String(), " search-lost:0.75 ") ||
				!strings.Contains(p.String(), "transform-crash:0.1 ") {
				t.Errorf("%q: got %s", texts, p.String())
			}
		}
	})
	t.Run("what cannot come about is left out of all, and refused by name", func(t *testing.T) {
		p := plan(t, "all", "sqs-partial:0.5")
		rest, err := p.Without("no search", SearchDown, SearchLost)
		if err != nil || len(rest.Names()) != len(Kinds)-2 || len(p.Names()) != len(Kinds) {
			t.Errorf("got %s, %v", rest.String(), err)
		}
		if _, err := p.Without("no queue", SQSPartial); err == nil || err.Error() != "fault sqs-partial: no queue" {
			t.Errorf("got %v", err)
		}
		p = plan(t, "search-down", "all")
		if _, err := p.Without("no search", SearchDown); err == nil {
			t.Error("got no error")
		}
	})
	for text, want := range map[string]string{
		"":                  `must be one of all, kinesis-throttled, `,
		"crash":             `notifications-late (got "crash")`,
		"all:1":             `all takes no parameter (got "1")`,
		"transform-crash:0": `transform-crash: must be a share of the invocations, above 0 and at most 1, such as 0.2 (got "0")`,
		"sqs-partial:1.01":  `a share of the messages, above 0 and at most 1, such as 0.2 (got "1.01")`,
		"sqs-partial:NaN":   `(got "NaN")`,
		"sqs-partial:":      `(got "")`,
		"s3-down:25":        `s3-down: must be a duration such as 90s, 12m or 25h, above 0 and at most 1000h (got "25")`,
		"s3-down:-1h":       `(got "-1h")`,
		"s3-down:1001h":     `(got "1001h")`,
	} {
		t.Run("refused: "+text, func(t *testing.T) {
			var p Plan
			if err := p.Add(text); err == nil || !strings.Contains(err.Error(), want) || !p.Empty() {
				t.Errorf("got %v and %s, want %s", err, p.String(), want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	draws := func(seed uint64, name Name) []bool {
		f := New(plan(t, "all"), seed)
		var all []bool
		for i := range int64(20_000) {
			all = append(all, f.Draw(name, fmt.Sprint("key", i%100), i/100))
		}
		return all
	}
	hits := func(all []bool) (n float64) {
		for _, hit := range all {
			if hit {
				n++
			}
		}
		return n / float64(len(all))
	}
	t.Run("a fault befalls its share, the same with the same seed and another with another", func(t *testing.T) {
		first := draws(1, SearchThrottled)
		if got := hits(first); math.Abs(got-0.2) > 0.02 {
			t.Errorf("got %v of all, want 0.2", got)
		}
		if !slices.Equal(first, draws(1, SearchThrottled)) || slices.Equal(first, draws(2, SearchThrottled)) {
			t.Error("the seed does not decide")
		}
	})
	t.Run("faults do not follow each other", func(t *testing.T) {
		both := draws(1, TransformCrash)
		for i, other := range draws(1, TransformHang) {
			both[i] = both[i] && other
		}
		if got := hits(both); math.Abs(got-0.01) > 0.005 {
			t.Errorf("got both in %v of all, want 0.01", got)
		}
	})
	t.Run("a share of 1 is all", func(t *testing.T) {
		f := New(plan(t, "search-lost:1"), 7)
		for i := range int64(1000) {
			if !f.Draw(SearchLost, "", i) {
				t.Fatalf("not %d", i)
			}
		}
	})
	t.Run("what has come about is counted, what has not is zero, what was not asked for is not there",
		func(t *testing.T) {
			f := New(plan(t, "sqs-partial:1", "sqs-throttled"), 1)
			f.Hit(SQSPartial, "", 1, false)
			f.Hit(HandlerKilled, "", 1, true)
			f.Fired(SQSPartial, 2)
			if got, want := f.Counts(), (map[Name]int64{SQSPartial: 3, SQSThrottled: 0}); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	t.Run("none is none", func(t *testing.T) {
		var f *Faults
		if f.On(SQSPartial) || f.Hit(SQSPartial, "", 1, true) || f.Draw(SQSPartial, "", 1) || f.Window(S3Down) != 0 ||
			f.Counts() != nil {
			t.Error("got a fault")
		}
	})
}
