package deadletter

import "testing"

func TestEveryReasonIsExplained(t *testing.T) {
	for _, r := range Reasons {
		if text := r.Explain(); text == string(r) || text == "" {
			t.Errorf("%s: has no explanation", r)
		}
	}
	if len(explanations) != len(Reasons) {
		t.Errorf("%d explanations of %d reasons", len(explanations), len(Reasons))
	}
	if text := Reason("Newer").Explain(); text != "Newer" {
		t.Errorf("got %q", text)
	}
}

func TestFailsAgain(t *testing.T) {
	for reason, want := range map[Reason]bool{"InvalidJson": true, SearchRejected: true, ConversionData: true,
		SearchUnavailable: false, "TrailingData": false, AcceptedNow: false, FunctionError: false} {
		if reason.FailsAgain() != want {
			t.Errorf("%s: must be %v", reason, want)
		}
	}
}
