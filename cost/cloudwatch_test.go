package cost

import (
	"testing"

	"firehose-pipeline/functions/transform"
)

// The number of metrics is that of the function's code.
func TestTransformMetrics(t *testing.T) {
	if n := len(transform.Metrics); n != transformMetrics {
		t.Errorf("transformMetrics: must be %d (is %d)", n, transformMetrics)
	}
}
