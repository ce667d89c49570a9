package cost

import "strings"

// pricedTypes are the types of resources that have lines, or entries of their own among those that have none.
var pricedTypes = []string{
	"AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm",
	"AWS::CloudWatch::Dashboard", "AWS::EC2::EIP", "AWS::EC2::NatGateway", "AWS::EC2::VPCEndpoint", "AWS::KMS::Key",
	"AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream", "AWS::Lambda::Function", "AWS::Logs::LogGroup",
	"AWS::Logs::MetricFilter", "AWS::OpenSearchService::Domain", "AWS::S3::Bucket", "AWS::SNS::Subscription",
	"AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::SecretsManager::Secret",
}

// freeTypes are types without a charge of their own, and why. A name that ends in :: covers all that begin with it.
var freeTypes = []struct{ names, why string }{
	{"AWS::IAM::", "IAM has no charge"},
	{"AWS::KMS::Alias", "the key is billed"},
	{"AWS::SQS::QueuePolicy AWS::S3::BucketPolicy AWS::SNS::TopicPolicy AWS::Logs::ResourcePolicy " +
		"AWS::SecretsManager::ResourcePolicy AWS::Kinesis::ResourcePolicy AWS::Lambda::Permission", "policies have no charge"},
	{"AWS::Lambda::EventInvokeConfig AWS::Lambda::Version AWS::Lambda::Alias AWS::Lambda::EventSourceMapping " +
		"AWS::Lambda::LayerVersion AWS::Lambda::Url", "invocations are billed"},
	{"AWS::CloudWatch::AlarmMuteRule", "the alarms are billed; AWS's pages name no charge for mute rules"},
	{"AWS::Logs::LogStream AWS::Logs::SubscriptionFilter AWS::Logs::QueryDefinition", "log events are billed"},
	{"AWS::Glue::Database AWS::Glue::Table AWS::Glue::Partition",
		"the first million objects and requests of the Data Catalog a month are free"},
	{"AWS::Athena::WorkGroup AWS::Athena::NamedQuery AWS::Athena::PreparedStatement", "queries are billed"},
	{"AWS::EC2::VPC AWS::EC2::Subnet AWS::EC2::RouteTable AWS::EC2::Route AWS::EC2::SecurityGroup " +
		"AWS::EC2::SecurityGroupIngress AWS::EC2::SecurityGroupEgress AWS::EC2::SubnetRouteTableAssociation " +
		"AWS::EC2::InternetGateway AWS::EC2::VPCGatewayAttachment AWS::EC2::NetworkAcl AWS::EC2::NetworkAclEntry " +
		"AWS::EC2::SubnetNetworkAclAssociation AWS::EC2::VPCCidrBlock AWS::EC2::DHCPOptions " +
		"AWS::EC2::EgressOnlyInternetGateway AWS::EC2::VPCDHCPOptionsAssociation", "a VPC without gateways has no charge"},
	{"AWS::EC2::FlowLog", "its log events are billed: see the notes"},
	{"AWS::ApiGateway::Deployment AWS::ApiGateway::Resource AWS::ApiGateway::Method AWS::ApiGateway::Model " +
		"AWS::ApiGateway::RequestValidator AWS::ApiGateway::GatewayResponse AWS::ApiGateway::Account " +
		"AWS::ApiGateway::UsagePlan AWS::ApiGateway::UsagePlanKey AWS::ApiGateway::ApiKey AWS::ApiGateway::Authorizer " +
		"AWS::ApiGateway::DomainName AWS::ApiGateway::BasePathMapping AWS::ApiGateway::DocumentationPart " +
		"AWS::ApiGateway::DocumentationVersion", "requests are billed"},
	{"AWS::CDK::Metadata AWS::CloudFormation::WaitCondition AWS::CloudFormation::WaitConditionHandle",
		"exists in the template only"},
	{"AWS::CloudFormation::CustomResource Custom::", "its function runs on deployment only"},
	{"AWS::ResourceGroups::Group", "groups have no charge"},
}

// whyFree returns why a type has no charge; empty when it is not known to have none.
func whyFree(kind string) string {
	for _, free := range freeTypes {
		for _, name := range strings.Fields(free.names) {
			if kind == name || strings.HasSuffix(name, "::") && strings.HasPrefix(kind, name) {
				return free.why
			}
		}
	}
	return ""
}
