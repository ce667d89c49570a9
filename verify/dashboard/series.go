package dashboard

import (
	"fmt"
	"hash/fnv"
	"math"
	"regexp"
	"slices"
	"strings"
)

// points is how many points a series has: six hours by five minutes.
const points = 72

// The sample day: between these points the search domain rejects documents.
const (
	episodeBegins = 40
	episodeEnds   = 52
)

// sample is how a metric behaves: around base, by a share of it, and at episode while documents are rejected.
type sample struct {
	base, spread, episode float64
	level                 bool // stays at its value after the episode
}

// samples are by the end of a metric's name; the first that fits counts.
var samples = []struct {
	end string
	sample
}{
	{"PerSecondLimit", sample{base: 1, episode: 1}}, // scaled by its graph
	{"FailedConversion.Records", sample{}}, {"AsyncEventsDropped", sample{}},
	{"ToAmazonOpenSearchService.DataFreshness", sample{45, 0.2, 52, false}},
	{"IncomingRecords", sample{120_000, 0.25, 120_000, false}},
	{"IncomingBytes", sample{48e6, 0.25, 48e6, false}},
	{"ThrottledRecords", sample{}},
	{".Records", sample{119_000, 0.25, 119_000, false}},
	{"AuthFailure", sample{}}, {"DeliveryRejected", sample{}},
	{"ToAmazonOpenSearchService.Success", sample{1, 0, 0.93, false}}, {"Success", sample{1, 0, 1, false}},
	{"DataFreshness", sample{250, 0.2, 260, false}},
	{"Invocations", sample{240, 0.2, 240, false}}, {"Errors", sample{}}, {"Throttles", sample{}},
	{"Duration", sample{90, 0.3, 95, false}},
	{"Ok", sample{23_000, 0.25, 23_000, false}}, {"PartialRecords", sample{180, 0.5, 180, false}},
	{"Dropped", sample{900, 0.4, 900, false}}, {"ProcessingFailed", sample{4, 1, 4, false}}, {"TooLarge", sample{}},
	{"FailedRecords", sample{4, 1, 60, false}}, {"DeadLetters", sample{4, 1, 60, false}},
	{"AsyncEventsReceived", sample{1, 1, 3, false}},
	{"AsyncEventAge", sample{900, 0.6, 2500, false}},
	{"DestinationDeliveryFailures", sample{}},
	{"MessagesVisible", sample{0, 0, 720, true}}, {"MessagesNotVisible", sample{}},
	{"AgeOfOldestMessage", sample{0, 0, 9000, true}},
	{"ClusterStatus.red", sample{}}, {"ClusterStatus.yellow", sample{}}, {"WritesBlocked", sample{}},
	{"MasterReachableFromNode", sample{1, 0, 1, false}},
	{"FreeStorageSpace", sample{61_000, 0.02, 60_000, false}}, {"Nodes", sample{6, 0, 6, false}},
	{"MasterCPUUtilization", sample{9, 0.3, 9, false}}, {"CPUUtilization", sample{38, 0.3, 55, false}},
	{"OldGenJVMMemoryPressure", sample{41, 0.1, 44, false}}, {"MasterJVMMemoryPressure", sample{33, 0.1, 33, false}},
	{"JVMMemoryPressure", sample{58, 0.2, 62, false}},
	{"ThreadpoolWriteQueue", sample{2, 1, 20, false}}, {"ThreadpoolWriteRejected", sample{}},
}

// statisticFactors are how far apart statistics of one metric are.
var statisticFactors = map[string]float64{"p50": 0.5, "p90": 1, "Maximum": 1.3}

// metricSeries returns the sample series of a metric; the same name and place give the same series.
func metricSeries(name, place, statistic string) ([]float64, error) {
	at := slices.IndexFunc(samples, func(s struct {
		end string
		sample
	}) bool {
		return strings.HasSuffix(name, s.end)
	})
	if at < 0 {
		return nil, fmt.Errorf("metric %s: has no sample", name)
	}
	s := samples[at].sample
	factor := 1.0
	if name == "Invocations" && strings.Contains(place, "ErrorHandler") {
		factor = 0.01
	}
	if strings.HasSuffix(name, "Duration") {
		factor = statisticFactors[statistic]
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name + " " + place)) // never fails
	phase := float64(hash.Sum32()%628) / 100
	values := make([]float64, points)
	for i := range values {
		base := s.base
		switch {
		case i >= episodeBegins && i < episodeEnds && !s.level:
			base = s.episode
		case i >= episodeBegins && s.level:
			base = s.episode * math.Min(1, float64(i-episodeBegins+1)/(episodeEnds-episodeBegins))
			if strings.HasPrefix(name, "ApproximateAge") {
				base = float64(i-episodeBegins) * 300
			}
		}
		x := float64(i) / points * 2 * math.Pi
		wave := 0.6*math.Sin(x+phase) + 0.4*math.Sin(5*x+2*phase)
		values[i] = math.Max(0, base*(1+s.spread*wave)*factor)
	}
	return values, nil
}

var (
	rateForm = regexp.MustCompile(`^(\w+) / PERIOD\((\w+)\)$`)
	diffForm = regexp.MustCompile(`^DIFF\((\w+)\)$`)
)

// evaluate returns the series of an expression over series by id.
func evaluate(expression string, series map[string][]float64, period float64) ([]float64, error) {
	if found := rateForm.FindStringSubmatch(expression); found != nil && found[1] == found[2] && series[found[1]] != nil {
		values := slices.Clone(series[found[1]])
		for i := range values {
			values[i] /= period
		}
		return values, nil
	}
	if found := diffForm.FindStringSubmatch(expression); found != nil && series[found[1]] != nil {
		in := series[found[1]]
		values := make([]float64, len(in))
		for i := 1; i < len(in); i++ {
			values[i] = in[i] - in[i-1]
		}
		return values, nil
	}
	return nil, fmt.Errorf("expression %s: is not known to the drawing", expression)
}
