package constructs

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// The parts of a dashboard's body.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

// gridColumns is the width of CloudWatch's grid.
const gridColumns = 24

type dashboardBody struct {
	Start string `json:"start"` // ISO 8601 duration before now
	// PeriodOverride inherit: graphs keep their periods, whatever the time range.
	PeriodOverride string   `json:"periodOverride"`
	Widgets        []widget `json:"widgets"`
}

type widget struct {
	Type       string `json:"type"` // text, metric, alarm or log
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties any    `json:"properties"`
}

type textProperties struct {
	Markdown string `json:"markdown"`
}

type alarmProperties struct {
	Title  string   `json:"title"`
	Alarms []string `json:"alarms"` // ARNs
	SortBy string   `json:"sortBy"`
}

type logProperties struct {
	Title  string `json:"title"`
	Region string `json:"region"`
	Query  string `json:"query"`
	View   string `json:"view"`
}

type metricProperties struct {
	Title       string       `json:"title"`
	Region      string       `json:"region"`
	View        string       `json:"view"`
	Period      int          `json:"period"` // seconds
	Metrics     []graphed    `json:"metrics"`
	YAxis       yAxes        `json:"yAxis"`
	Annotations *annotations `json:"annotations,omitempty"`
}

type yAxes struct {
	Left  yAxis  `json:"left"`
	Right *yAxis `json:"right,omitempty"`
}

type yAxis struct {
	Min   float64  `json:"min"`
	Max   *float64 `json:"max,omitempty"`
	Label string   `json:"label,omitempty"`
	// ShowUnits is off: labels say the unit, the metrics of math have none.
	ShowUnits bool `json:"showUnits"`
}

type annotations struct {
	Horizontal []horizontal `json:"horizontal"`
}

// horizontal is a line at a value.
type horizontal struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	Color string  `json:"color,omitempty"`
}

// graphed is a metric, or an expression over metrics, in a graph.
type graphed struct {
	metric
	expression string // instead of a metric
	options    map[string]any
}

// MarshalJSON writes the array that CloudWatch reads: namespace, name, dimensions, options.
func (g graphed) MarshalJSON() ([]byte, error) {
	options := map[string]any{}
	for key, value := range g.options {
		options[key] = value
	}
	if g.expression != "" {
		options["expression"] = g.expression
		return json.Marshal([]any{options})
	}
	all := []any{g.namespace, g.name}
	for _, d := range g.dimensions {
		all = append(all, d[0], d[1])
	}
	options["stat"] = g.statistic
	return json.Marshal(append(all, options))
}

// line graphs a metric under a label.
func line(m metric, label string) graphed {
	return graphed{metric: m, options: map[string]any{"label": label}}
}

// onRight puts a series on the right axis.
func (g graphed) onRight() graphed {
	g.options["yAxis"] = "right"
	return g
}

// rate graphs a sum as a number a second.
func rate(m metric, id, label string) []graphed {
	return []graphed{
		{expression: id + " / PERIOD(" + id + ")", options: map[string]any{"label": label, "id": id + "Rate"}},
		{metric: m, options: map[string]any{"id": id, "visible": false}},
	}
}

// board lays widgets out in rows, from left to right and from top to bottom.
type board struct {
	widgets []widget
	x, y    int
	height  int // of the row
}

// beginRow begins a row of widgets of this height.
func (b *board) beginRow(height int) {
	b.y, b.x, b.height = b.y+b.height, 0, height
}

// add adds a widget to the row. One that does not fit begins another row.
func (b *board) add(kind string, width int, properties any) {
	if b.x+width > gridColumns {
		b.beginRow(b.height)
	}
	b.widgets = append(b.widgets, widget{kind, b.x, b.y, width, b.height, properties})
	b.x += width
}

func (b *board) addText(height int, lines ...string) {
	b.beginRow(height)
	b.add("text", gridColumns, textProperties{strings.Join(lines, "\n")})
}

// addGraph adds a graph with an axis from 0. rightMax above 0 gives the right axis, which some series use, an end.
func (b *board) addGraph(width, period int, title, label string, rightMax float64, series []graphed, at ...horizontal) {
	p := metricProperties{Title: title, Region: *awscdk.Aws_REGION(), View: "timeSeries", Period: period, Metrics: series,
		YAxis: yAxes{Left: yAxis{Label: label}}}
	if rightMax > 0 {
		p.YAxis.Right = &yAxis{Max: &rightMax}
	}
	if len(at) > 0 {
		p.Annotations = &annotations{at}
	}
	b.add("metric", width, p)
}

// addQuery adds a query of CloudWatch Logs Insights over log groups.
func (b *board) addQuery(width int, title, query string, groups ...string) {
	source := ""
	for _, group := range groups {
		source += "SOURCE '" + group + "' | "
	}
	b.add("log", width, logProperties{Title: title, Region: *awscdk.Aws_REGION(), View: "table", Query: source + query})
}

// encode returns the body. The CDK replaces the tokens in it by references, whose values (names, ARNs, a region) have
// no character that JSON escapes.
func (b *board) encode() string {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(dashboardBody{Start: "-PT6H", PeriodOverride: "inherit", Widgets: b.widgets}); err != nil {
		panic(err) // structs of texts and numbers always encode
	}
	return strings.TrimSuffix(text.String(), "\n")
}
