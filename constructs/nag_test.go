package constructs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

//lint:file-ignore SA1019 the annotations of the CDK have this type, and the other module has no Go binding here

// acceptedFindings are the accepted AwsSolutions findings, with the reason; every other one fails.
var acceptedFindings = map[string]string{
	"AwsSolutions-KDF1":  "with a Kinesis source the data stream is encrypted: Firehose accepts no encryption of its own",
	"AwsSolutions-KDS3":  "the data stream has the pipeline's one key, whose policy and rotation are known",
	"AwsSolutions-APIG3": "a web application firewall is the account's choice; requests are signed and throttled",
	"AwsSolutions-APIG6": "execution logs have the bodies of requests; the access log has the rest",
	"AwsSolutions-COG4":  "requests are signed with IAM credentials",
	"AwsSolutions-IAM4": "API Gateway logs as one role of the account and region, and tests that it has the rights of " +
		"AWS's own policy",
	"AwsSolutions-S1": "access logs of a bucket that only Firehose writes and Athena reads would need a second bucket; " +
		"CloudTrail data events record the same",
	"AwsSolutions-SQS3": "the queue is the dead-letter queue",
	"AwsSolutions-IAM5": "patterns name objects below a prefix, versions of a function, " +
		"paths of the domain or streams of a log group; " +
		"constructs/testdata/iam lists each",
	"AwsSolutions-OS1": "with vpc none the domain has a public endpoint; " +
		"its policy admits named roles only, each request signed",
	"AwsSolutions-OS3": "the access policy admits named roles, not addresses",
	"AwsSolutions-OS4": "dev and staging have no dedicated masters: they are small and disposable",
	"AwsSolutions-OS7": "dev has one node in one zone: it is small and disposable",
}

var finding = regexp.MustCompile(`AwsSolutions-[A-Z]+[0-9]+`)

func TestSecurityRulesOfCdkNag(t *testing.T) {
	synthesis.Lock()
	defer synthesis.Unlock()
	seen := map[string]bool{}
	for _, name := range []string{"dev", "production", "vpc new", "vpc new, three zones", "vpc existing",
		"ingestion kinesis", "front door keys"} {
		app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
		stack := newStack(app, load(t, variants[name]))
		awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true)}), nil)
		annotations := assertions.Annotations_FromStack(stack)
		any := jsii.String("*")
		found := append(
			*annotations.FindError(any, assertions.Match_AnyValue()),
			*annotations.FindWarning(any, assertions.Match_AnyValue())...)
		for _, message := range found {
			text, _ := message.Entry.Data.(string)
			rule := finding.FindString(text)
			if rule == "" {
				continue // the CDK's own notes
			}
			seen[rule] = true
			if acceptedFindings[rule] == "" || rule == "AwsSolutions-OS1" && strings.HasPrefix(name, "vpc") ||
				rule == "AwsSolutions-KDF1" && name != "ingestion kinesis" {
				t.Errorf("%s %s: %s", name, *message.Id, text)
			}
		}
	}
	for rule, reason := range acceptedFindings {
		if !seen[rule] {
			t.Errorf("%s: is accepted (%s) but found nowhere", rule, reason)
		}
	}
}
