package constructs_test

import "testing"

// Without the transform protected fields would reach both stores as they are sent.
func TestProtectedFieldsNeedTheTransform(t *testing.T) {
	for _, protection := range []string{"hash", "redact", "drop"} {
		t.Run(protection, func(t *testing.T) {
			defer func() {
				const want = "enableDataTransformation: must be true, because the event schema protects fields (x-protect) and the " +
					"transform does that"
				if got := recover(); got != want {
					t.Errorf("panic: must be %q (got %v)", want, got)
				}
			}()
			synthSchema(t, variants["smallest"], `"email": {"type": "string", "x-protect": "`+protection+`"}`)
		})
	}
}
