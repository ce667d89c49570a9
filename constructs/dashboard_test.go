package constructs_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"firehose-pipeline/settings"
	"firehose-pipeline/verify/dashboard"
)

// dashboardBody returns the dashboard's body with a value for each reference in it.
func dashboardBody(t *testing.T, template *template) []byte {
	t.Helper()
	_, board := template.one(t, "AWS::CloudWatch::Dashboard", "Dashboard")
	return []byte(joinProperty(t, template, board, "DashboardBody"))
}

// joinProperty returns a property that must be one Fn::Join, with a value for each reference in it.
func joinProperty(t *testing.T, template *template, r resource, property string) string {
	t.Helper()
	join, ok := r.Properties[property].(map[string]any)
	if !ok || len(join) != 1 {
		t.Fatalf("%s must be one function of CloudFormation (got %.200v)", property, r.Properties[property])
	}
	parts, ok := join["Fn::Join"].([]any)
	if !ok || len(parts) != 2 || parts[0] != "" {
		t.Fatalf("%s must be joined (got %.200v)", property, join)
	}
	var text strings.Builder
	for _, part := range parts[1].([]any) {
		literal, ok := part.(string)
		if !ok {
			literal = resolveReference(t, template, part.(map[string]any))
		}
		text.WriteString(literal)
	}
	return text.String()
}

// resolveReference returns a value as CloudFormation would put it in; a reference to nothing fails.
func resolveReference(t *testing.T, template *template, reference map[string]any) string {
	t.Helper()
	id, _ := reference["Ref"].(string)
	get, _ := reference["Fn::GetAtt"].([]any)
	pseudo := map[string]string{"AWS::Region": "eu-west-1", "AWS::AccountId": "111122223333", "AWS::Partition": "aws"}
	switch {
	case pseudo[id] != "":
		return pseudo[id]
	case len(get) == 2:
		id = get[0].(string)
		if resource := template.Resources[id]; get[1] == "Arn" && strings.HasSuffix(resource.Type, "Alarm") {
			return "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:" + resource.Properties["AlarmName"].(string)
		}
	}
	if _, ok := template.Resources[id]; !ok {
		t.Fatalf("the dashboard refers to %v, which is not in the template", reference)
	}
	return id
}

func TestDashboardIsAsCloudWatchDocuments(t *testing.T) {
	runbook, err := os.ReadFile(fromRoot("docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		_, board := template.one(t, "AWS::CloudWatch::Dashboard", "Dashboard")
		// With the region: dashboards of an account share their names across regions.
		if name := joinProperty(t, template, board, "DashboardName"); name != config.StackName()+"-eu-west-1" ||
			!regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`).MatchString(name) {
			t.Errorf("DashboardName: got %s", name)
		}
		var c bodyChecker
		body := dashboardBody(t, template)
		c.checkBody(body)
		for _, problem := range c.problems {
			t.Error(problem)
		}
		if len(c.graphs) < 10 || len(c.anchors) < 8 {
			t.Errorf("must have graphs and runbook sections (got %d and %d)", len(c.graphs), len(c.anchors))
		}
		for _, anchor := range c.anchors {
			if !strings.Contains(string(runbook), `<a id="`+anchor+`"></a>`) {
				t.Errorf("docs/runbook.md: has no anchor #%s", anchor)
			}
		}
		for id, alarm := range template.of("AWS::CloudWatch::Alarm") {
			if !bytes.Contains(body, []byte(`:alarm:`+alarm.Properties["AlarmName"].(string)+`"`)) {
				t.Errorf("%s: the dashboard does not show it", id)
			}
		}
	})
}

// What the settings leave out is not shown, and what they add is.
func TestDashboardFollowsTheSettings(t *testing.T) {
	body := func(context string) string { return string(dashboardBody(t, synth(t, context))) }
	for _, c := range []struct {
		context, text string
		want          bool
	}{
		{variants["dev"], "AWS/ES", true}, {`{"enableOpenSearch": false}`, "AWS/ES", false},
		{`{"enableOpenSearch": false}`, "search stream", false}, {`{"enableOpenSearch": false}`, "lake stream", true},
		{variants["dev"], "transform: duration", true}, {`{"enableDataTransformation": false}`, "transform: duration", false},
		{`{"enableDataTransformation": false}`, "ExecuteProcessing", false},
		{variants["dev"], "MasterCPUUtilization", false}, {variants["production"], "MasterCPUUtilization", true},
		{variants["dev"], "BackupToS3.Success", true}, {`{"enableSourceBackup": false}`, "BackupToS3.Success", false},
		{variants["dev"], "[/aws/vpc/", false}, {variants["vpc new"], "[/aws/vpc/", true},
		{`{"dataFormat": "json"}`, "FailedConversion", false}, {variants["dev"], "FailedConversion", true},
		{variants["ingestion kinesis"], "read behind", true}, {variants["dev"], "read behind", false},
		{variants["ingestion kinesis"], "AWS/ApiGateway", false}, {variants["front door kinesis"], "AWS/ApiGateway", true},
		{`{"bufferIntervalSeconds": 123}`, `{"label":"buffer interval","value":123,`, true},
		{`{"transformTimeoutSeconds": 45}`, `{"label":"timeout","value":45000,`, true},
	} {
		if got := strings.Contains(body(c.context), c.text); got != c.want {
			t.Errorf("%s: %q: must be %v", c.context, c.text, c.want)
		}
	}
}

// Lines at the alarms of the graphs that have one: the thresholds are those of the alarms.
func TestDashboardShowsThresholds(t *testing.T) {
	var c bodyChecker
	c.checkBody(dashboardBody(t, synth(t, variants["production"])))
	want := map[string]float64{"lake stream: freshness": 0, "search stream: freshness": 0, "domain: CPU": 0,
		"domain: memory pressure": 0, "domain: free storage of the fullest node": 0, "domain: writes": 0}
	for _, graph := range c.graphs {
		title := graph["title"].(string)
		if _, ok := want[title]; !ok {
			continue
		}
		lines, _ := at(graph, "annotations.horizontal")
		list, _ := lines.([]any)
		for _, l := range list {
			if line := l.(map[string]any); line["label"] == "alarm" {
				want[title] = line["value"].(float64)
			}
		}
	}
	for title, value := range want {
		if value == 0 {
			t.Errorf("%s: has no line at the alarm", title)
		}
	}
	if want["domain: CPU"] != 80 {
		t.Errorf("domain: CPU: got %v", want["domain: CPU"])
	}
}

// docs/dashboard.svg is the dashboard of production with sample series. -update writes it.
func TestDashboardImage(t *testing.T) {
	image, err := dashboard.Render(dashboardBody(t, synth(t, variants["production"])))
	if err != nil {
		t.Fatal(err)
	}
	path := fromRoot("docs/dashboard.svg")
	if *update {
		if err := os.WriteFile(path, image, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image, want) {
		t.Error("docs/dashboard.svg: is not the template's dashboard: make update")
	}
}
