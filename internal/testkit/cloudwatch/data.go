package cloudwatch

import (
	"math"
	"slices"
	"strconv"
)

// Metric is one metric of one resource: namespace, name and dimensions, as "Namespace Name Dimension=Value …" with
// the dimensions in order. A value that the template refers to is the logical id, or logical id and attribute.
type Metric string

// Data are the samples of metrics, minute by minute.
type Data struct {
	minutes int
	samples map[Metric][][]float64
}

// NewData is for a time of minutes 0 to minutes-1.
func NewData(minutes int) *Data { return &Data{minutes, map[Metric][][]float64{}} }

// Minutes is the length of the time.
func (d *Data) Minutes() int { return d.minutes }

// Clone returns a copy: playing adds the messages of topics.
func (d *Data) Clone() *Data {
	c := NewData(d.minutes)
	for metric, samples := range d.samples {
		c.samples[metric] = slices.Clone(samples)
	}
	return c
}

// Add adds samples to a minute; minutes outside the time are left out.
func (d *Data) Add(metric Metric, minute int, values ...float64) {
	if minute < 0 || minute >= d.minutes {
		return
	}
	if d.samples[metric] == nil {
		d.samples[metric] = make([][]float64, d.minutes)
	}
	d.samples[metric][minute] = append(slices.Clip(d.samples[metric][minute]), values...)
}

// Set replaces the samples of a minute; without values there are none.
func (d *Data) Set(metric Metric, minute int, values ...float64) {
	if minute < 0 || minute >= d.minutes {
		return
	}
	if d.samples[metric] != nil {
		d.samples[metric][minute] = nil
	}
	if len(values) > 0 {
		d.Add(metric, minute, values...)
	}
}

// firstSample returns the first minute not before from that has a sample, or -1.
func (d *Data) firstSample(metric Metric, from int) int {
	for minute, values := range d.samples[metric] {
		if minute >= from && len(values) > 0 {
			return minute
		}
	}
	return -1
}

// missing is the value of a period without a data point.
var missing = math.NaN()

func isMissing(value float64) bool { return math.IsNaN(value) }

// aggregate returns the statistic of the samples in minutes from to until-1.
func (d *Data) aggregate(metric Metric, statistic string, from, until int) float64 {
	series := d.samples[metric]
	if series == nil {
		return missing
	}
	var all []float64
	percentile := statistic[0] == 'p'
	sum, count, low, high := 0.0, 0, math.Inf(1), math.Inf(-1)
	for _, values := range series[max(0, from):max(0, min(until, d.minutes))] {
		for _, v := range values {
			sum, count, low, high = sum+v, count+1, min(low, v), max(high, v)
		}
		if percentile {
			all = append(all, values...)
		}
	}
	if count == 0 {
		return missing
	}
	switch statistic {
	case "Sum":
		return sum
	case "Average":
		return sum / float64(count)
	case "Minimum":
		return low
	case "Maximum":
		return high
	case "SampleCount":
		return float64(count)
	}
	return percentileOf(all, statistic)
}

// percentileOf returns the nearest rank: the smallest value that at least that share of the samples does not pass.
func percentileOf(values []float64, statistic string) float64 {
	share, err := strconv.ParseFloat(statistic[1:], 64)
	if err != nil || share <= 0 || share > 100 {
		return missing
	}
	slices.Sort(values)
	return values[max(0, int(math.Ceil(share/100*float64(len(values))))-1)]
}
