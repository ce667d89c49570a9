package trace

import (
	"strings"
	"testing"
	"time"
)

func TestTimeOfObject(t *testing.T) {
	key := "source-data/year=2026/month=01/day=31/hour=09/s-LakeStream-1-2026-01-31-09-05-07-01234567-0123-4123-8123-0123456789ab"
	for _, extension := range []string{"", ".gz", ".parquet"} {
		if got := timeOfObject(key + extension); got.Format(time.DateTime) != "2026-01-31 09:05:07" {
			t.Errorf("%s: got %v", extension, got)
		}
	}
	for _, other := range []string{"", "x", key + "/y", strings.Replace(key, "-01-31-", "-13-31-", 2)} {
		if got := timeOfObject(other); !got.IsZero() {
			t.Errorf("%s: got %v", other, got)
		}
	}
}

func TestPartitions(t *testing.T) {
	w := Window{Since: time.Date(2025, 12, 31, 0, 10, 0, 0, time.FixedZone("", 3600)), Until: time.Date(2026, 1, 2, 3,
		4, 5, 0, time.UTC)}
	want := "year IN ('2025', '2026') AND month IN ('12', '01') AND day IN ('30', '31', '01', '02') AND " +
		"(year || month || day || hour) BETWEEN '2025123022' AND '2026010203'"
	if got := w.partitions(noon); got != want {
		t.Errorf("got %s", got)
	}
	if got := (Window{}).partitions(noon); !strings.HasPrefix(got, "year IN ('2025', '2026') AND ") ||
		!strings.HasSuffix(got, "BETWEEN '2025013113' AND '2026013113'") {
		t.Errorf("got %s", got)
	}
}
