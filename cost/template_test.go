package cost_test

import (
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/cost"
)

// workload is 100 events a second of 253 bytes.
func workload(t *testing.T) cost.Workload {
	t.Helper()
	w := cost.DefaultWorkload()
	w.EventsPerSecond, w.Sizes = cost.WholeNumber(100), &cost.Sizes{}
	if err := w.Sizes.Add(253); err != nil {
		t.Fatal(err)
	}
	return w
}

func TestReadTemplateRejects(t *testing.T) {
	for text, want := range map[string]string{
		"": "JSON", "Resources:": "JSON", "[]": "JSON", "{}": "Resources", `{"Resources":{}}`: "Resources",
		`{"Resources":{"A":null}}`: "A", `{"Resources":{"A":{}}}`: "Type", `{"Resources":{"A":{"Type":"X"}}} {}`: "after",
		strings.Repeat(`{"a":`, 20_000): "JSON",
	} {
		if _, err := cost.ReadTemplate([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %q", text, err, want)
		}
	}
}

func estimateText(t *testing.T, text string) (*cost.Bill, error) {
	t.Helper()
	template, err := cost.ReadTemplate([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cost.Estimate(template, workload(t), cost.BuiltInPrices())
}

// A value that is known only on deployment is an error, and never counted as something else.
func TestEstimateRejectsUnknownValues(t *testing.T) {
	for text, want := range map[string]string{
		`{"Resources":{"D":{"Type":"AWS::OpenSearchService::Domain","Properties":{"ClusterConfig":` +
			`{"InstanceCount":{"Fn::ImportValue":"n"}}}}}}`: "D: InstanceCount",
		`{"Resources":{"D":{"Type":"AWS::OpenSearchService::Domain","Properties":{"EBSOptions":` +
			`{"EBSEnabled":true,"VolumeSize":"large"}}}}}`: "VolumeSize",
		`{"Resources":{"S":{"Type":"AWS::KinesisFirehose::DeliveryStream","Properties":` +
			`{"ExtendedS3DestinationConfiguration":{"BufferingHints":{"SizeInMBs":0}}}}}}`: "SizeInMBs",
		`{"Resources":{"K":{"Type":"AWS::Kinesis::Stream","Properties":{"ShardCount":-1}}}}`: "ShardCount",
	} {
		if _, err := estimateText(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// Resources without a line are listed.
func TestEveryResourceIsAccountedFor(t *testing.T) {
	bill, err := estimateText(t, `{"Parameters":{"Count":{"Type":"Number","Default":3}},"Resources":{
		"A":{"Type":"AWS::RDS::DBInstance"},"B":{"Type":"AWS::RDS::DBInstance"},"C":{"Type":"AWS::IAM::Role"},
		"D":{"Type":"AWS::OpenSearchService::Domain","Condition":"Search","Properties":{"ClusterConfig":
			{"InstanceType":"x9.huge.search","InstanceCount":{"Ref":"Count"}},"EBSOptions":{"EBSEnabled":true,"VolumeType":"io1"}}},
		"E":{"Type":"AWS::EC2::VPCEndpoint","Properties":{"VpcEndpointType":"GatewayLoadBalancer"}},
		"F":{"Type":"AWS::KinesisFirehose::DeliveryStream","Properties":{"DeliveryStreamType":"MSKAsSource",
			"SplunkDestinationConfiguration":{}}},
		"G":{"Type":"Custom::Anything"},"H":{"Type":"AWS::ApiGateway::Stage","Properties":{"CacheClusterEnabled":true}},
		"I":{"Type":"AWS::CloudWatch::LogAlarm"}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var notPriced, free []string
	for _, r := range bill.NotPriced {
		notPriced = append(notPriced, strings.Repeat(r.Type+" ", r.Count))
	}
	for _, r := range bill.Free {
		free = append(free, r.Type)
	}
	for _, want := range []string{"AWS::RDS::DBInstance AWS::RDS::DBInstance ", "AWS::EC2::VPCEndpoint ",
		"AWS::ApiGateway::Stage ", "AWS::CloudWatch::LogAlarm ", "AWS::OpenSearchService::Domain ",
		"AWS::KinesisFirehose::DeliveryStream "} {
		if !slices.Contains(notPriced, want) {
			t.Errorf("not priced: %v, want %s", notPriced, want)
		}
	}
	if !slices.Contains(free, "AWS::IAM::Role") || !slices.Contains(free, "Custom::Anything") {
		t.Errorf("free: %v", free)
	}
	notes := strings.Join(bill.Notes, "\n")
	if len(bill.Lines) != 1 || bill.Lines[0].USD != nil || bill.Lines[0].Quantity.Exact() != "2,190" ||
		!strings.Contains(notes, "no price") || !strings.Contains(notes, "condition Search") {
		t.Errorf("lines: %+v; notes: %s", bill.Lines, notes)
	}
}
