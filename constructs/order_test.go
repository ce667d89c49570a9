package constructs_test

import (
	"testing"

	"firehose-pipeline/settings"
)

// The resources that a first deployment needs before a stream is created; a destroy goes the other way round. Each was
// the cause of a deployment that failed, or of a bucket that could not be emptied.
func TestStreamsComeAfterWhatTheyNeed(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		lake, _ := template.one(t, firehose, "LakeStream")
		needs := []struct{ kind, prefix, why string }{
			{"AWS::S3::Bucket", "DataLakeBucket", "the store"},
			{"AWS::S3::BucketPolicy", "DataLakeBucket", "on destroy the emptying function must still be allowed in"},
			{"AWS::IAM::Role", "LakeStreamRole", "Firehose assumes it at creation; its rights are inline"},
			{"AWS::Glue::Table", "DataLakeTable", "Firehose looks the table up at creation"},
			{"AWS::Logs::LogStream", "LakeStreamDestinationDelivery", "it must exist beforehand"},
			{"AWS::Logs::LogStream", "LakeStreamBackupDelivery", "it must exist beforehand"},
			{"AWS::Lambda::Function", "ErrorHandlerFunction", "the first failed record needs its handler"},
			{"AWS::IAM::Policy", "ErrorHandlerReadErrorObjects", "the handler needs its rights"},
			{"AWS::Lambda::Permission", "ErrorHandlerAllowS3", "S3 may call the handler"},
		}
		if !config.RetainData {
			needs = append(
				needs,
				struct{ kind, prefix, why string }{
					"Custom::S3AutoDeleteObjects",
					"DataLakeBucket",
					"on destroy the emptying must run after delivery has stopped",
				},
			)
		}
		for _, need := range needs {
			id, _ := template.one(t, need.kind, need.prefix)
			if !template.needs(lake)[id] {
				t.Errorf("%s: must come after %s: %s", lake, id, need.why)
			}
		}
		if !config.EnableOpenSearch {
			return
		}
		search, _ := template.one(t, firehose, "SearchStream")
		for _, need := range []struct{ kind, prefix, why string }{
			{"AWS::OpenSearchService::Domain", "SearchDomain", "the store"},
			{"Custom::SearchSetup", "SearchSetup", "without the role mapping every delivery is refused"},
			{"AWS::IAM::Role", "SearchWriterRole", "Firehose assumes it at creation; its rights are inline"},
			{"AWS::S3::BucketPolicy", "DataLakeBucket", "as for the lake stream"},
			{"AWS::IAM::Policy", "ErrorHandlerReadErrorObjects", "the handler needs its rights"},
			{"AWS::Logs::LogStream", "SearchWriterDestinationDelivery", "it must exist beforehand"},
			{"AWS::Logs::LogStream", "SearchWriterBackupDelivery", "it must exist beforehand"},
		} {
			id, _ := template.one(t, need.kind, need.prefix)
			if !template.needs(search)[id] {
				t.Errorf("%s: must come after %s: %s", search, id, need.why)
			}
		}
	})
}

func TestSearchSetupComesAfterTheDomainAndItsOwnRights(t *testing.T) {
	template := synth(t, variants["dev"])
	setup, _ := template.one(t, "Custom::SearchSetup", "SearchSetup")
	for _, need := range [][2]string{
		{"AWS::OpenSearchService::Domain", "SearchDomain"}, {"AWS::IAM::Role", "SearchSetupRole"},
		{"AWS::Logs::ResourcePolicy", "SearchDomainLogPolicy"}, {"AWS::Lambda::Function", "SearchSetupFunction"},
	} {
		id, _ := template.one(t, need[0], need[1])
		if !template.needs(setup)[id] {
			t.Errorf("%s: must come after %s", setup, id)
		}
	}
}

// In a VPC. On destroy it goes the other way round: the setup function's network interfaces, which CloudFormation waits
// for, and Firehose's, which it does not, have gone when the domain has, and only then their groups and subnets are
// deleted.
func TestOrderInsideAVPC(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		type part struct{ kind, prefix string }
		domain := part{"AWS::OpenSearchService::Domain", "SearchDomain"}
		function := part{"AWS::Lambda::Function", "SearchSetupFunction"}
		setup := part{"Custom::SearchSetup", "SearchSetup"}
		stream := part{firehose, "SearchStream"}
		rule := func(from string) part { return part{"AWS::EC2::SecurityGroupIngress", "NetworkFrom" + from} }
		made := func(name string) part { return part{"AWS::EC2::SecurityGroup", "Network" + name} }
		for _, need := range []struct {
			first, then part
			why         string
		}{
			{part{"Custom::ServiceLinkedRole", "SearchRelay"}, domain, "a domain in a VPC needs it"},
			{part{"AWS::IAM::Role", "SearchRelayRole"}, part{"Custom::ServiceLinkedRole", "SearchRelay"},
				"the relay needs its rights"},
			{made("StreamGroup"), domain, "on destroy the group outlives Firehose's interfaces"},
			{made("SetupGroup"), domain, "on destroy the group outlives the function's interfaces"},
			{domain, function, "the function's role is known everywhere by then"},
			{part{"AWS::IAM::Role", "SearchSetupRole"}, function, "its rights are inline"},
			{function, setup, "the relay calls it by name"},
			{part{"AWS::Lambda::Function", "SearchRelay"}, setup, "it answers"},
			{part{"AWS::IAM::Role", "SearchWriterRole"}, made("StreamGroup"),
				"on destroy Firehose deletes its interfaces with this role"},
			{part{"AWS::IAM::Policy", "SearchWriterCreateInterfaces"}, stream, "Firehose makes its interfaces at creation"},
			{rule("Setup"), setup, "the function reaches the domain"},
			{rule("Stream"), stream, "Firehose reaches the domain"},
			{part{"AWS::IAM::Role", "SearchWriterRole"}, stream, "Firehose makes its interfaces at creation"},
			{setup, stream, "without the role mapping every delivery is refused"},
		} {
			first, _ := template.one(t, need.first.kind, need.first.prefix)
			then, _ := template.one(t, need.then.kind, need.then.prefix)
			if !template.needs(then)[first] {
				t.Errorf("%s: must come after %s: %s", then, first, need.why)
			}
		}
		if config.VPC.New {
			for id := range template.of("AWS::EC2::Subnet") {
				for _, then := range []part{domain, function, stream} {
					if name, _ := template.one(t, then.kind, then.prefix); !template.needs(name)[id] {
						t.Errorf("%s: must come after %s", name, id)
					}
				}
			}
		}
	})
}

// S3 checks at once that it may call the function, and rejects the bucket otherwise.
func TestBucketComesAfterTheHandlersPermission(t *testing.T) {
	template := synth(t, variants["dev"])
	bucket, properties := template.one(t, "AWS::S3::Bucket", "DataLakeBucket")
	permission, _ := template.one(t, "AWS::Lambda::Permission", "ErrorHandlerAllowS3")
	if !template.needs(bucket)[permission] {
		t.Errorf("%s: must come after %s", bucket, permission)
	}
	want(t, properties.Properties, "NotificationConfiguration.LambdaConfigurations.0.Event", "s3:ObjectCreated:*")
	want(t, properties.Properties, "NotificationConfiguration.LambdaConfigurations.0.Filter.S3Key.Rules.0.Value",
		"error-data/")
}

// On destroy a function must be gone before its log group: a late line must not find the group missing and the function
// alive.
func TestFunctionsComeAfterTheirLogGroups(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id := range template.of("AWS::Lambda::Function") {
			found := false
			for other := range template.needs(id) {
				found = found || template.Resources[other].Type == "AWS::Logs::LogGroup"
			}
			if !found {
				t.Errorf("%s: must come after a log group", id)
			}
		}
	})
}

func TestNoCircleOfDependencies(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for id := range template.Resources {
			if template.needs(id)[id] {
				t.Errorf("%s: depends on itself", id)
			}
		}
	})
}
