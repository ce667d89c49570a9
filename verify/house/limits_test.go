package main

import "testing"

// Limits of the language and the structure. CONTRIBUTING.md has the words to use; `make house` prints the figures, and
// `go run ./verify/house -where MEASURE` the places.
const (
	maxWhatClauses = 1.0  // per 1,000 words of comments, and of documentation
	maxSingleWord  = 45.0 // percent of the names of functions and methods
	minPaired      = 70.0 // percent of the test files
	maxWide        = 0.1  // percent of the lines: literals and addresses that cannot be broken
)

func TestLimits(t *testing.T) {
	m := ownProject(t).Measure()
	for where, language := range map[string]Language{"comments": m.Comments, "documentation": m.Pages} {
		if got := language.Per1000("what"); got > maxWhatClauses {
			t.Errorf("what-clauses in %s: %.1f per 1,000 words, at most %.1f (-where what)", where, got, maxWhatClauses)
		}
	}
	if got := m.SingleWord; got.Percent() > maxSingleWord {
		t.Errorf("single-word function names: %s, at most %.0f %% (-where names)", got, maxSingleWord)
	}
	if got := m.WideLines; got.Percent() > maxWide {
		t.Errorf("lines over %d columns: %s, at most %.1f %% (-where wide)", MaxColumns, got, maxWide)
	}
	if got := m.PairedTests; got.Percent() < minPaired {
		t.Errorf("test files beside their source file: %s, at least %.0f %% (-where unpaired)", got, minPaired)
	}
}
