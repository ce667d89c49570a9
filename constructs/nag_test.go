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

// The most that is accepted of cdk-nag. A change lowers a number, or says in its message why it raises one.
const (
	maxNagEntries  = 29
	maxNagFindings = 181
)

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
	accepted := readAcceptances(t)
	synthesis.Lock()
	defer synthesis.Unlock()
	findings := map[string]bool{}
	for _, name := range securityVariants {
		config := load(t, variants[name])
		app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false), Outdir: jsii.String(t.TempDir())})
		stack := newStack(app, config)
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
			if err := accepted.accept(rule, resource, config); err != nil {
				t.Errorf("%s: %v: %s", name, err, text)
			}
			findings[rule+" "+resource+parts[2]] = true
		}
	}
	entries, err := accepted.checkUsed(func(rule string) bool { return !isCheckov(rule) })
	if err != nil {
		t.Error(err)
	}
	t.Logf("four packs of cdk-nag: %d distinct findings, accepted by %d comments", len(findings), entries)
	if entries > maxNagEntries || len(findings) > maxNagFindings {
		t.Errorf("must be at most %d findings and %d comments", maxNagFindings, maxNagEntries)
	}
}
