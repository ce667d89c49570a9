package constructs_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// members are the members of an object of the body, by whether they are required. Others are not documented.
type members map[string]bool

// The structure that CloudWatch documents:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
var (
	bodyMembers   = members{"widgets": true, "start": false, "end": false, "periodOverride": false, "variables": false}
	widgetMembers = members{"type": true, "x": false, "y": false, "width": false, "height": false, "properties": true}
	widgetTypes   = map[string]members{
		"text":  {"markdown": true, "background": false},
		"alarm": {"alarms": true, "sortBy": false, "states": false, "title": false},
		"log": {"query": true, "region": true, "view": false, "title": false, "stacked": false, "accountId": false,
			"queryLanguage": false},
		"metric": {"metrics": false, "region": true, "title": false, "period": false, "stat": false, "view": false,
			"stacked": false, "yAxis": false, "annotations": false, "legend": false, "liveData": false, "timezone": false,
			"sparkline": false, "labels": false, "table": false, "trend": false, "accountId": false,
			"setPeriodToTimeRange": false, "singleValueFullPrecision": false},
	}
	optionMembers = members{"label": false, "id": false, "expression": false, "stat": false, "visible": false,
		"yAxis": false, "period": false, "color": false, "region": false, "accountId": false}
	axisMembers       = members{"min": false, "max": false, "label": false, "showUnits": false}
	annotationMembers = members{"value": true, "label": false, "color": false, "fill": false, "visible": false,
		"yAxis": false}
)

// bodyChecker collects what is wrong with a body.
type bodyChecker struct {
	problems []string
	anchors  []string // of the runbook
	graphs   []map[string]any
}

func (c *bodyChecker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// object checks the members of an object, and returns it; nil when it is none.
func (c *bodyChecker) object(place string, value any, known members) map[string]any {
	o, ok := value.(map[string]any)
	if !ok {
		c.fail("%s: must be an object (got %v)", place, value)
		return nil
	}
	for name := range o {
		if _, ok := known[name]; !ok {
			c.fail("%s: has no member %s", place, name)
		}
	}
	for name, required := range known {
		if _, ok := o[name]; required && !ok {
			c.fail("%s: must have %s", place, name)
		}
	}
	return o
}

// whole returns an integer within bounds.
func (c *bodyChecker) whole(place string, value any, least, most float64) int {
	n, ok := value.(float64)
	if !ok || n != float64(int(n)) || n < least || n > most {
		c.fail("%s: must be a whole number from %v to %v (got %v)", place, least, most, value)
	}
	return int(n)
}

func (c *bodyChecker) oneOf(place string, value any, accepted ...any) {
	if !slices.Contains(accepted, value) {
		c.fail("%s: must be one of %v (got %v)", place, accepted, value)
	}
}

func (c *bodyChecker) text(place string, value any) string {
	s, ok := value.(string)
	if !ok || s == "" {
		c.fail("%s: must be text (got %v)", place, value)
	}
	return s
}

// checkBody checks all of a body.
func (c *bodyChecker) checkBody(text []byte) {
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		c.fail("must be JSON: %v", err)
		return
	}
	o := c.object("body", body, bodyMembers)
	if start, ok := o["start"]; ok && !regexp.MustCompile(`^-P(\d+[DWM]|T\d+[HM])$`).MatchString(c.text("start", start)) {
		c.fail("start: must be an ISO 8601 duration (got %v)", start)
	}
	if override, ok := o["periodOverride"]; ok {
		c.oneOf("periodOverride", override, "auto", "inherit")
	}
	widgets, ok := o["widgets"].([]any)
	if !ok || len(widgets) == 0 || len(widgets) > 500 {
		c.fail("widgets: must be 1 to 500 (got %d)", len(widgets))
	}
	taken := map[[2]int]int{}
	for i, w := range widgets {
		place := fmt.Sprintf("widget %d", i)
		widget := c.object(place, w, widgetMembers)
		x, y := c.whole(place+".x", widget["x"], 0, 23), c.whole(place+".y", widget["y"], 0, 1e6)
		width, height := c.whole(place+".width", widget["width"], 1, 24), c.whole(place+".height", widget["height"], 1, 1000)
		if x+width > 24 {
			c.fail("%s: must end within 24 columns (got %d + %d)", place, x, width)
		}
		for cx := x; cx < x+width; cx++ {
			for cy := y; cy < y+height; cy++ {
				if other, ok := taken[[2]int{cx, cy}]; ok {
					c.fail("%s: overlaps widget %d", place, other)
					cx, cy = x+width, y+height
				}
				taken[[2]int{cx, cy}] = i
			}
		}
		kind, _ := widget["type"].(string)
		known, ok := widgetTypes[kind]
		if !ok {
			c.fail("%s: no such type: %v", place, widget["type"])
			continue
		}
		c.checkProperties(place, kind, c.object(place, widget["properties"], known))
	}
}

func (c *bodyChecker) checkProperties(place, kind string, p map[string]any) {
	if region, ok := p["region"]; ok && region != "eu-west-1" {
		c.fail("%s: region must be the stack's (got %v)", place, region)
	}
	switch kind {
	case "text":
		markdown := c.text(place+".markdown", p["markdown"])
		for _, found := range regexp.MustCompile("`docs/runbook\\.md#([a-z-]+)`").FindAllStringSubmatch(markdown, -1) {
			c.anchors = append(c.anchors, found[1])
		}
	case "alarm":
		c.oneOf(place+".sortBy", p["sortBy"], "default", "stateUpdatedTimestamp", "timestamp")
		arns, _ := p["alarms"].([]any)
		if len(arns) < 1 || len(arns) > 100 {
			c.fail("%s: must have 1 to 100 alarms (got %d)", place, len(arns))
		}
		for _, arn := range arns {
			if !strings.HasPrefix(fmt.Sprint(arn), "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:") {
				c.fail("%s: must be the ARN of an alarm (got %v)", place, arn)
			}
		}
	case "log":
		c.oneOf(place+".view", p["view"], "table", "timeSeries", "bar", "pie")
		query := c.text(place+".query", p["query"])
		if !regexp.MustCompile(`^(SOURCE '/[\w/-]+' \| )+fields `).MatchString(query) {
			c.fail("%s: must name its log groups (got %s)", place, query)
		}
	case "metric":
		c.graphs = append(c.graphs, p)
		c.checkGraph(place, p)
	}
}

var statistic = regexp.MustCompile(`^(Sum|Average|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?)$`)

var mathID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

func (c *bodyChecker) checkGraph(place string, p map[string]any) {
	place += " " + c.text(place+".title", p["title"])
	c.oneOf(place+": view", p["view"], "timeSeries", "singleValue", "gauge", "bar", "pie", "table")
	if period := c.whole(place+": period", p["period"], 60, 86_400); period%60 != 0 {
		c.fail("%s: period must be a multiple of 60 (got %d)", place, period)
	}
	axes := c.object(place+": yAxis", p["yAxis"], members{"left": false, "right": false})
	for side, axis := range axes {
		c.object(place+": yAxis."+side, axis, axisMembers)
	}
	if a, ok := p["annotations"]; ok {
		o := c.object(place+": annotations", a, members{"horizontal": false, "vertical": false, "alarms": false})
		lines, _ := o["horizontal"].([]any)
		if len(lines) == 0 {
			c.fail("%s: annotations must not be empty", place)
		}
		for _, l := range lines {
			line := c.object(place+": annotation", l, annotationMembers)
			if value, ok := line["value"].(float64); !ok || value < 0 {
				c.fail("%s: annotation must have a value (got %v)", place, line["value"])
			}
			if color, ok := line["color"]; ok && !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(fmt.Sprint(color)) {
				c.fail("%s: color must be #rrggbb (got %v)", place, color)
			}
		}
	}
	series, _ := p["metrics"].([]any)
	if len(series) == 0 || len(series) > 100 {
		c.fail("%s: must have 1 to 100 metrics (got %d)", place, len(series))
	}
	c.checkSeries(place, series)
}

func (c *bodyChecker) checkSeries(place string, series []any) {
	ids, expressions := map[string]bool{}, []string{}
	for _, s := range series {
		parts, _ := s.([]any)
		if len(parts) == 0 {
			c.fail("%s: a metric must be an array (got %v)", place, s)
			continue
		}
		options := c.object(place+": options", parts[len(parts)-1], optionMembers)
		if id, ok := options["id"].(string); ok {
			if !mathID.MatchString(id) || ids[id] {
				c.fail("%s: id must begin with a lower-case letter, and come once (got %s)", place, id)
			}
			ids[id] = true
		}
		if side, ok := options["yAxis"]; ok {
			c.oneOf(place+": yAxis", side, "left", "right")
		}
		if expression, ok := options["expression"].(string); ok {
			expressions = append(expressions, expression)
			if len(parts) != 1 || options["stat"] != nil {
				c.fail("%s: an expression is alone, and has no statistic (got %v)", place, parts)
			}
			continue
		}
		if !statistic.MatchString(fmt.Sprint(options["stat"])) {
			c.fail("%s: stat must be a statistic (got %v)", place, options["stat"])
		}
		if len(parts)%2 == 0 {
			c.fail("%s: must be namespace, name, pairs of dimensions, options (got %v)", place, parts)
			continue
		}
		var dimensions []string
		for i := 2; i+1 < len(parts); i += 2 {
			dimensions = append(dimensions, fmt.Sprint(parts[i]))
			c.text(place+": dimension "+fmt.Sprint(parts[i]), parts[i+1])
		}
		if err := checkRealMetric(fmt.Sprint(parts[0]), fmt.Sprint(parts[1]), dimensions); err != nil {
			c.fail("%s: %v", place, err)
		}
	}
	for _, expression := range expressions {
		for _, name := range regexp.MustCompile(`\b[a-z]\w*\b`).FindAllString(expression, -1) {
			if !ids[name] {
				c.fail("%s: %s: nothing has the id %s", place, expression, name)
			}
		}
	}
}

// A checker that accepts everything would show nothing.
func TestDashboardCheckerRejects(t *testing.T) {
	good := string(dashboardBody(t, synth(t, variants["dev"])))
	for name, change := range map[string][2]string{
		"an unknown type":          {`"type":"alarm"`, `"type":"alarms"`},
		"an unknown member":        {`"markdown":`, `"text":`},
		"an overlap":               {`"x":6,`, `"x":5,`},
		"a widget over the edge":   {`"x":18,`, `"x":19,`},
		"a wrong namespace":        {`"AWS/Firehose"`, `"AWS/KinesisFirehose"`},
		"a metric that is no such": {`DeliveryToS3.DataFreshness`, `DeliveryToS3.Freshness`},
		"a missing dimension":      {`"ClientId","111122223333",`, ``},
		"another region":           {`"region":"eu-west-1"`, `"region":"us-east-1"`},
		"an expression of nothing": {`"expression":"records / `, `"expression":"record / `},
		"a period of no minutes":   {`"period":300`, `"period":290`},
		"a line without a value":   {`"label":"timeout","value":`, `"label":"timeout","at":`},
		"a statistic":              {`"stat":"Sum"`, `"stat":"Total"`},
		"a start":                  {`"start":"-PT6H"`, `"start":"6h"`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(good, change[0], change[1], 1)
			var c bodyChecker
			c.checkBody([]byte(changed))
			if changed == good || len(c.problems) == 0 {
				t.Errorf("must be rejected (changed: %v)", changed != good)
			}
		})
	}
}
