package simulation

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// The same seed gives the same history, whatever the number of processors and the order of goroutines and maps.
func TestSameSeedSameHistory(t *testing.T) {
	dir := stateFolder(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for seed := range *same {
		runtime.GOMAXPROCS(1)
		once := Run(t, NewPlan(seed), dir, true)
		runtime.GOMAXPROCS(4)
		again := Run(t, NewPlan(seed), dir, true)
		if once.Hash != again.Hash {
			t.Errorf("seed %d: %s", seed, firstDifference(once.Trace, again.Trace))
		}
	}
}

// firstDifference returns the first lines of two texts that differ.
func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return as[i] + "\nand\n" + bs[i]
		}
	}
	return "one is longer"
}

// Seeds that found defects of the real code, which have been fixed since.
func TestSeedsThatFoundDefects(t *testing.T) {
	dir := stateFolder(t)
	for seed, defect := range map[uint64]string{
		34:    "replay counted a dead letter again when its second message came after the first was deleted",
		34395: "a canary did not look again when a listing was under way at the end of its watch",
		54134: "two runs of replay tore each other's lines in one state file",
		90851: "a run of replay forgot what another one wrote into the same state file meanwhile",
	} {
		if r := Run(t, NewPlan(seed), dir, false); r.Failed() {
			t.Errorf("seed %d (%s): %v", seed, defect, r.Violations[0])
		}
	}
}

// A canary sees records that fail again although the operator's clock is hours away from AWS's.
func TestCanaryWithWrongClock(t *testing.T) {
	dir := stateFolder(t)
	for seed := range uint64(10) {
		for _, skew := range []time.Duration{-3 * time.Hour, 3 * time.Hour} {
			plan := NewPlan(seed)
			plan.Skew, plan.Jumps, plan.BrokenUntil, plan.Budget = skew, nil, 40*time.Minute, 0
			plan.Operations = []Operation{{At: 5 * time.Minute, Act: true, From: "queue", Canary: 3}}
			if r := Run(t, plan, dir, false); r.Failed() {
				t.Errorf("seed %d, AWS %v ahead: %v", seed, skew, r.Violations[0])
			}
		}
	}
}
