package dashboard

import (
	"fmt"
	"math"
	"strings"
)

// curve is a series of a graph.
type curve struct {
	label  string
	values []float64
	right  bool
}

// readCurves returns the visible series of a graph.
func readCurves(w *widget) ([]curve, error) {
	series := map[string][]float64{}
	top := 0.0 // of the series that limits are drawn above
	for _, m := range w.Properties.Metrics {
		options := m[len(m)-1].(map[string]any)
		if len(m) < 3 {
			continue
		}
		place := ""
		for _, part := range m[2 : len(m)-1] {
			place += fmt.Sprint(part) + " "
		}
		values, err := metricSeries(m[1].(string), place, fmt.Sprint(options["stat"]))
		if err != nil {
			return nil, err
		}
		series[keyOf(m)] = values
		if options["id"] != nil {
			for _, v := range values {
				top = math.Max(top, v/w.Properties.Period)
			}
		}
	}
	var curves []curve
	for _, m := range w.Properties.Metrics {
		options := m[len(m)-1].(map[string]any)
		if options["visible"] == false {
			continue
		}
		c := curve{label: fmt.Sprint(options["label"]), values: series[keyOf(m)], right: options["yAxis"] == "right"}
		if expression, ok := options["expression"].(string); ok {
			var err error
			if c.values, err = evaluate(expression, series, w.Properties.Period); err != nil {
				return nil, err
			}
		} else if strings.HasSuffix(m[1].(string), "PerSecondLimit") {
			for i := range c.values {
				c.values[i] = roundUp(1.5 * top)
			}
		}
		curves = append(curves, c)
	}
	return curves, nil
}

// keyOf is a metric's id, or all of it.
func keyOf(m []any) string {
	if id, ok := m[len(m)-1].(map[string]any)["id"].(string); ok {
		return id
	}
	return fmt.Sprint(m...)
}

// roundUp returns the next 1, 2 or 5 times a power of ten.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5} {
		if v <= step*power*1.0001 {
			return step * power
		}
	}
	return 10 * power
}

// formatNumber writes a number with a metric prefix.
func formatNumber(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.4gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.4gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}

func (d *drawing) drawGraph(f frame, w *widget) error {
	curves, err := readCurves(w)
	if err != nil {
		return err
	}
	left, right := 0.0, 0.0
	for _, c := range curves {
		for _, v := range c.values {
			if c.right {
				right = math.Max(right, v)
			} else {
				left = math.Max(left, v)
			}
		}
	}
	for _, h := range w.Properties.Annotations.Horizontal {
		left = math.Max(left, h.Value)
	}
	left, right = roundUp(left), roundUp(right)
	d.text(f.x+8, f.y+16, "title", "start", w.Properties.Title)
	plot := frame{f.x + 40, f.y + 26, f.width - 66, f.height - 54}
	for _, share := range []float64{0, 0.5, 1} {
		y := plot.y + plot.height*(1-share)
		d.add(`<path stroke="#eaeded" d="M%.0f %.1fh%.0f"/>`, plot.x, y, plot.width)
		d.text(plot.x-4, y+3, "small", "end", formatNumber(left*share))
	}
	d.text(f.x+f.width-8, f.y+16, "small", "end", w.Properties.YAxis.Left.Label)
	for _, h := range w.Properties.Annotations.Horizontal {
		y := plot.y + plot.height*(1-h.Value/left)
		d.add(`<path stroke="%s" stroke-dasharray="5 3" d="M%.0f %.1fh%.0f"/>`, h.Color, plot.x, y, plot.width)
		d.text(plot.x+plot.width, y-3, "small", "end", h.Label+" "+formatNumber(h.Value))
	}
	x := plot.x
	for i, c := range curves {
		top := left
		if c.right {
			top = right
		}
		color := colors[i%len(colors)]
		var path strings.Builder
		for k, v := range c.values {
			fmt.Fprintf(&path, "%.0f,%.1f ", plot.x+plot.width*float64(k)/(points-1), plot.y+plot.height*(1-v/top))
		}
		d.add(`<polyline stroke="%s" points="%s"/>`, color, strings.TrimSpace(path.String()))
		d.add(`<rect x="%.0f" y="%.0f" width="8" height="8" fill="%s"/>`, x, f.y+f.height-16, color)
		d.text(x+11, f.y+f.height-8, "small", "start", c.label)
		x += 20 + 4.8*float64(len(c.label))
	}
	return nil
}
