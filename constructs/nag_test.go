package constructs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

//lint:file-ignore SA1019 the annotations of the CDK have this type, and the other module has no Go binding here

// acceptedFinding is a finding that is accepted for some resources, by their paths below the stack.
type acceptedFinding struct {
	rule      string // without the prefix of NIST, HIPAA and PCI, which have the same rules
	resources string // regular expression for the whole path below the pipeline
	reason    string
}

// acceptedFindings are the accepted findings of cdk-nag; every other one fails.
var acceptedFindings = []acceptedFinding{
	{"AwsSolutions-KDF1", `(Lake|Search)Stream/FromKinesis`, "with a Kinesis source the data stream is encrypted: Firehose " +
		"accepts no encryption of its own"},
	{"AwsSolutions-KDS3", `DataStream/Stream`, "it has the pipeline's one key, whose policy and rotation are known"},
	{"AwsSolutions-S1", `DataLake/Bucket/Resource`, "access logs of a bucket that only Firehose writes and Athena reads " +
		"would need a second bucket; CloudTrail data events record the same"},
	{"S3BucketLoggingEnabled", `DataLake/Bucket/Resource`, "as AwsSolutions-S1"},
	{"S3BucketReplicationEnabled", `DataLake/Bucket/Resource`, "a second region is the owner's choice and cost; versions " +
		"are kept, and docs/security.md names it as the owner's task"},
	{"AwsSolutions-SQS3", `DeadLetters/Queue/Resource`, "it is the dead-letter queue"},
	{"AwsSolutions-IAM5", `(LakeStream|SearchSetup|SearchWriter)/Role/Resource|Athena/Readers/Policy/Resource|` +
		`ErrorHandler/ReadErrorObjects/Resource|SearchWriter/CreateInterfaces/Resource`, "patterns name objects below a " +
		"prefix, versions of a function, paths of the domain, network interfaces or subnets; constructs/testdata/iam lists each"},
	{"IAMNoInlinePolicy", `.*/Role/Resource|Network/FlowLogRole/Resource|ErrorHandler/ReadErrorObjects/Resource|` +
		`SearchWriter/CreateInterfaces/Resource`, "a policy that belongs to one role goes with it, and nobody can attach it to another"},
	{"LambdaConcurrency", `.*/Function/Resource`, "a reserved limit is a setting (transformReservedConcurrency): a wrong " +
		"one throttles, and the account's own limit protects the others"},
	{"LambdaDLQ", `(Lake|Search)Transform/Function/Resource`, "Firehose invokes it synchronously, retries, and keeps what failed"},
	{"LambdaDLQ", `ErrorHandler/Function/Resource`, "its failed invocations have a destination, the dead-letter queue, " +
		"with more in it than a dead-letter configuration gives"},
	{"LambdaDLQ", `Search(Relay|Setup)/Function/Resource`, "CloudFormation invokes it and waits for its answer: a failure " +
		"fails the deployment"},
	{"LambdaInsideVPC", `.*/Function/Resource`, "it reaches AWS's services only; inside a VPC each would need an endpoint. " +
		"The search setup runs in the domain's VPC when there is one"},
	{"CloudWatchAlarmAction", `Alarms/.*`, "composite alarms send one message for each cause; a test checks that each " +
		"metric alarm sends messages or is read by one that does"},
	{"AwsSolutions-OS1", `SearchDomain/Domain`, "with vpc none the domain has a public endpoint; its policy admits named " +
		"roles only, each request signed"},
	{"OpenSearchInVPCOnly", `SearchDomain/Domain`, "as AwsSolutions-OS1"},
	{"AwsSolutions-OS3", `SearchDomain/Domain`, "the access policy admits named roles, not addresses"},
	{"AwsSolutions-OS4", `SearchDomain/Domain`, "dev and staging have no dedicated masters: they are small and disposable"},
	{"AwsSolutions-OS7", `SearchDomain/Domain`, "dev has one node in one zone: it is small and disposable"},
	{"VPCDefaultSecurityGroupClosed", `Network/Vpc`, "nothing uses that group; closing it needs a function with rights on " +
		"every security group"},
	{"AwsSolutions-APIG3", `FrontDoor/Api/DeploymentStage.v1/Resource`, "a web application firewall is the account's " +
		"choice; requests are signed and throttled"},
	{"APIGWAssociatedWithWAF", `FrontDoor/Api/DeploymentStage.v1/Resource`, "as AwsSolutions-APIG3"},
	{"AwsSolutions-APIG6", `FrontDoor/Api/DeploymentStage.v1/Resource`, "execution logs have the bodies of requests; the " +
		"access log has the rest"},
	{"APIGWExecutionLoggingEnabled", `FrontDoor/Api/DeploymentStage.v1/Resource`, "as AwsSolutions-APIG6"},
	{"APIGWCacheEnabledAndEncrypted", `FrontDoor/Api/DeploymentStage.v1/Resource`, "there is nothing to cache: every " +
		"request puts events"},
	{"APIGWSSLEnabled", `FrontDoor/Api/DeploymentStage.v1/Resource`, "a client certificate is for servers of one's own " +
		"behind the API; AWS's services check the signature of its role"},
	{"APIGWXrayEnabled", `FrontDoor/Api/DeploymentStage.v1/Resource`, "a trace would end at the stream, which passes none on"},
	{"AwsSolutions-COG4", `FrontDoor/Api/Default/events/POST/Resource`, "requests are signed with IAM credentials"},
	{"AwsSolutions-IAM4", `FrontDoor/Api/CloudWatchRole/Resource`, "API Gateway logs as one role of the account and " +
		"region, and tests that it has the rights of AWS's own policy"},
}

// findAccepted returns the entry that accepts a finding; -1 when none does.
func findAccepted(rule, resource string) int {
	return slices.IndexFunc(acceptedFindings, func(a acceptedFinding) bool {
		return a.rule == rule && regexp.MustCompile("^(?:"+a.resources+")$").MatchString(resource)
	})
}

// nagFinding is the rule of a finding, without the prefix of a pack that shares it and without what it found.
var nagFinding = regexp.MustCompile(`^(?:NIST\.800\.53\.R5-|HIPAA\.Security-|PCI\.DSS\.321-)?((?:AwsSolutions-)?[A-Za-z0-9]+)(\[[^:]*::.*\])?: `)

// addPacks adds four packs of rules of cdk-nag.
func addPacks(stack awscdk.Stack) {
	props := &cdknag.NagPackProps{Verbose: jsii.Bool(true)}
	aspects := awscdk.Aspects_Of(stack)
	aspects.Add(cdknag.NewAwsSolutionsChecks(props), nil)
	aspects.Add(cdknag.NewNIST80053R5Checks(props), nil)
	aspects.Add(cdknag.NewHIPAASecurityChecks(props), nil)
	aspects.Add(cdknag.NewPCIDSS321Checks(props), nil)
}

func TestSecurityRulesOfCdkNag(t *testing.T) {
	synthesis.Lock()
	defer synthesis.Unlock()
	seen := map[int]bool{}
	findings := map[string]bool{}
	for _, name := range []string{"dev", "staging", "production", "vpc new", "vpc new, three zones", "vpc existing",
		"ingestion kinesis", "front door keys"} {
		app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
		stack := newStack(app, load(t, variants[name]))
		addPacks(stack)
		annotations := assertions.Annotations_FromStack(stack)
		any := jsii.String("*")
		found := append(
			*annotations.FindError(any, assertions.Match_AnyValue()),
			*annotations.FindWarning(any, assertions.Match_AnyValue())...)
		for _, message := range found {
			text, _ := message.Entry.Data.(string)
			parts := nagFinding.FindStringSubmatch(text)
			if parts == nil {
				continue // the CDK's own notes
			}
			rule, resource := parts[1], strings.TrimPrefix(*message.Id, "/"+*stack.Node().Id()+"/Default/")
			accepted := findAccepted(rule, resource)
			if accepted < 0 || rule == "AwsSolutions-OS1" && strings.HasPrefix(name, "vpc") ||
				rule == "AwsSolutions-KDF1" && name != "ingestion kinesis" {
				t.Errorf("%s %s: %s", name, *message.Id, text)
				continue
			}
			seen[accepted] = true
			findings[rule+" "+resource+parts[2]] = true
		}
	}
	for i, a := range acceptedFindings {
		if !seen[i] {
			t.Errorf("%s: is accepted for %s (%s) but found nowhere", a.rule, a.resources, a.reason)
		}
	}
	t.Logf("four packs: %d distinct findings, accepted by %d entries", len(findings), len(acceptedFindings))
}
