package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/functions/searchsetup"
)

// searchSetupTimeoutSeconds is Lambda's longest: a young domain may reject requests for many minutes.
const searchSetupTimeoutSeconds = 900

// relayedSetupTimeoutSeconds leaves the relay, which waits for the setup function, time to have its network made and to
// answer.
const relayedSetupTimeoutSeconds = searchSetupTimeoutSeconds - 120

// SearchSetupProps configure a [SearchSetup].
type SearchSetupProps struct {
	StackName  string
	DomainName string
	Index      string // base name of the indices
	Asset      FunctionAsset
	LogLevel   string
	Logs       Logs
	Network    *Network // nil: the domain has a public endpoint
}

// SearchSetup is the custom resource that brings the domain into its wanted state: who may write, read and administer
// it, how its indices look, when they go. CloudFormation has no resource for any of these.
type SearchSetup struct {
	constructs.Construct
	Role     awsiam.Role // the domain's master user
	Function awslambda.Function
	network  *Network
}

// NewSearchSetup makes the function and its role. They come before the domain, which names the role as its master user;
// [SearchSetup.Configure] makes the custom resource itself.
func NewSearchSetup(scope constructs.Construct, id string, props SearchSetupProps) *SearchSetup {
	this := constructs.NewConstruct(scope, jsii.String(id))
	timeout := searchSetupTimeoutSeconds
	var inside *placement
	if props.Network != nil {
		timeout, inside = relayedSetupTimeoutSeconds, props.Network.setup()
	}
	//accept:finding AwsSolutions-IAM5 on SearchSetup/Role
	// because the patterns are paths of the domain and network interfaces, whose ids nobody knows beforehand; EC2's
	// Describe actions have no resources
	function, role := newFunction(this, functionProps{
		Name:           setupFunctionName(props.StackName),
		Description:    "Sets up roles, index template and retention inside the search domain",
		Asset:          props.Asset,
		Environment:    map[string]string{contract.EnvLogLevel: props.LogLevel},
		MemoryMB:       256,
		TimeoutSeconds: timeout,
		Logs:           props.Logs,
		VPC:            inside,
		Policies:       map[string][]statement{"Domain": statementsOn(props.DomainName, setupRequests(props.Index))},
	})
	return &SearchSetup{this, role, function, props.Network}
}

func setupFunctionName(stackName string) string { return stackName + "-search-setup" }

// SearchState is what [SearchSetup.Configure] brings about.
type SearchState struct {
	Domain         *SearchDomain
	Relay          *SearchRelay // of a domain in a VPC, else nil
	Retain         bool         // keeps the setup inside a domain that is kept when the stack is deleted
	Writer         awsiam.Role
	Index          string
	Rotation       string
	Shards         int // primary shards an index
	Replicas       int // of each; 0 on a single node, where a replica is never placed
	RetentionDays  int
	AdminRoleARNs  []string
	ReaderRoleARNs []string
	Properties     map[string]any // of the index mapping
}

// Configure makes the custom resource. Its wanted state is one string, because CloudFormation turns every number of a
// custom resource into a string; the index template is part of it, so that a new field of an event is a change of the
// resource.
func (s *SearchSetup) Configure(wanted SearchState) awscdk.CustomResource {
	state := encodeJSON(searchsetup.State{
		Endpoint:       "https://" + *wanted.Domain.Resource.AttrDomainEndpoint(),
		Index:          wanted.Index,
		Rotation:       wanted.Rotation,
		Shards:         wanted.Shards,
		Replicas:       wanted.Replicas,
		RetentionDays:  wanted.RetentionDays,
		Properties:     wanted.Properties,
		WriterRoleARN:  *wanted.Writer.RoleArn(),
		AdminRoleARNs:  wanted.AdminRoleARNs,
		ReaderRoleARNs: wanted.ReaderRoleARNs,
	})
	answers := s.Function
	if wanted.Relay != nil {
		answers = wanted.Relay.Function
	}
	resource := awscdk.NewCustomResource(s.Construct, jsii.String("State"), &awscdk.CustomResourceProps{
		ServiceToken:   answers.FunctionArn(),
		ResourceType:   jsii.String(contract.SearchSetupResource),
		RemovalPolicy:  removal(wanted.Retain),
		ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(searchSetupTimeoutSeconds + 60)),
		Properties:     &map[string]any{"State": state},
	})
	if s.network != nil {
		// Nothing that the relay is given names the function or the rules that let it reach the domain.
		resource.Node().AddDependency(s.Function, s.network.Construct)
		// The function waits for the domain although it does not need it: the role has its rights known everywhere by then,
		// and on destroy the function's network interfaces go first, while there is still the domain to wait for.
		s.Function.Node().AddDependency(wanted.Domain.Construct)
	}
	return resource
}
