package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsopensearchservice"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// SearchDomainProps configure a [SearchDomain].
type SearchDomainProps struct {
	StackName          string
	DomainName         string // fixed, at most 28 characters
	Index              string // base name of the indices
	Version            string // of OpenSearch, for example 2.19
	InstanceType       string
	InstanceCount      int
	ZoneCount          int // 1 to 3
	MasterInstanceType string
	MasterCount        int // dedicated masters; 0: none
	VolumeSizeGB       int // GiB of gp3 a data node
	VolumeIOPS         int
	VolumeThroughput   int // MiB/s
	Retain             bool
	Logs               Logs
	Master             awsiam.Role // the search setup's role, the one master user
	Writer             awsiam.Role // the search stream's role
	AdminARNs          []string
	ReaderARNs         []string
	Network            *Network // nil: the domain has a public endpoint
	Relay              *SearchRelay
}

// SearchDomain is the OpenSearch domain: HTTPS only, encrypted at rest and between nodes, fine-grained access control
// always on with an IAM role, not a password, as master.
//
// It is L1: the L2 domain brings custom resources that install an SDK at deploy time and write a log policy on
// everything. Its name is fixed so that policies can name it by string; a change that would replace it fails instead of
// taking the data with it.
type SearchDomain struct {
	constructs.Construct
	Resource    awsopensearchservice.CfnDomain
	Name        string
	DataNodes   int
	MasterNodes int
	VolumeGB    int
}

// domainARN is a domain's ARN by its fixed name.
func domainARN(name string) string { return arn("es", "domain/"+name) }

// accessPolicy admits each principal to the requests that it needs, and to no others. The people of one list share
// their statements.
func accessPolicy(props SearchDomainProps) map[string]any {
	var statements []any
	admit := func(principals []string, all []requests) {
		if len(principals) == 0 {
			return
		}
		for _, s := range statementsOn(props.DomainName, all) {
			statements = append(statements, map[string]any{
				"Effect": "Allow", "Principal": map[string]any{"AWS": principals}, "Action": s.Actions, "Resource": s.Resources,
			})
		}
	}
	admit([]string{*props.Master.RoleArn()}, setupRequests(props.Index))
	admit([]string{*props.Writer.RoleArn()}, writerRequests(props.Index))
	admit(props.AdminARNs, adminRequests())
	admit(props.ReaderARNs, readerRequests(props.Index))
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// NewSearchDomain makes the domain.
func NewSearchDomain(scope constructs.Construct, id string, props SearchDomainProps) *SearchDomain {
	this := constructs.NewConstruct(scope, jsii.String(id))
	publishing, logPolicy := publishLogs(this, props)
	cluster := &awsopensearchservice.CfnDomain_ClusterConfigProperty{
		InstanceType:              jsii.String(props.InstanceType),
		InstanceCount:             jsii.Number(props.InstanceCount),
		ZoneAwarenessEnabled:      jsii.Bool(props.ZoneCount > 1),
		DedicatedMasterEnabled:    jsii.Bool(props.MasterCount > 0),
		MultiAzWithStandbyEnabled: jsii.Bool(false),
	}
	if props.ZoneCount > 1 {
		cluster.ZoneAwarenessConfig = &awsopensearchservice.CfnDomain_ZoneAwarenessConfigProperty{
			AvailabilityZoneCount: jsii.Number(props.ZoneCount),
		}
	}
	if props.MasterCount > 0 {
		cluster.DedicatedMasterType = jsii.String(props.MasterInstanceType)
		cluster.DedicatedMasterCount = jsii.Number(props.MasterCount)
	}
	var inside *awsopensearchservice.CfnDomain_VPCOptionsProperty
	if props.Network != nil {
		inside = &awsopensearchservice.CfnDomain_VPCOptionsProperty{
			SubnetIds:        jsii.Strings(props.Network.SubnetIDs...),
			SecurityGroupIds: jsii.Strings(props.Network.domainGroup),
		}
	}
	//accept:finding AwsSolutions-OS1,OpenSearchInVPCOnly on SearchDomain/Domain when vpc=none
	// because this setting asks for a public endpoint; its policy admits named roles only, each request signed
	//accept:finding AwsSolutions-OS3 on SearchDomain/Domain
	// because the access policy admits named roles, not addresses
	//accept:finding AwsSolutions-OS4 on SearchDomain/Domain when environment=dev,staging
	// because dev and staging have no dedicated masters: they are small and disposable
	//accept:finding AwsSolutions-OS7 on SearchDomain/Domain when environment=dev
	// because dev has one node in one zone: it is small and disposable
	domain := awsopensearchservice.NewCfnDomain(this, jsii.String("Domain"), &awsopensearchservice.CfnDomainProps{
		DomainName:    jsii.String(props.DomainName),
		EngineVersion: jsii.String("OpenSearch_" + props.Version),
		ClusterConfig: cluster,
		// CloudFormation wants IOPS and throughput of gp3 spelled out.
		EbsOptions: &awsopensearchservice.CfnDomain_EBSOptionsProperty{
			EbsEnabled: jsii.Bool(true),
			VolumeType: jsii.String("gp3"),
			VolumeSize: jsii.Number(props.VolumeSizeGB),
			Iops:       jsii.Number(props.VolumeIOPS),
			Throughput: jsii.Number(props.VolumeThroughput),
		},
		EncryptionAtRestOptions: &awsopensearchservice.CfnDomain_EncryptionAtRestOptionsProperty{
			Enabled:  jsii.Bool(true),
			KmsKeyId: props.Logs.Key.KeyId(),
		},
		NodeToNodeEncryptionOptions: &awsopensearchservice.CfnDomain_NodeToNodeEncryptionOptionsProperty{
			Enabled: jsii.Bool(true),
		},
		DomainEndpointOptions: &awsopensearchservice.CfnDomain_DomainEndpointOptionsProperty{
			EnforceHttps:      jsii.Bool(true),
			TlsSecurityPolicy: jsii.String("Policy-Min-TLS-1-2-PFS-2023-10"),
		},
		AdvancedSecurityOptions: &awsopensearchservice.CfnDomain_AdvancedSecurityOptionsInputProperty{
			Enabled:                     jsii.Bool(true),
			InternalUserDatabaseEnabled: jsii.Bool(false),
			MasterUserOptions: &awsopensearchservice.CfnDomain_MasterUserOptionsProperty{
				MasterUserArn: props.Master.RoleArn(),
			},
		},
		// Firehose names the index in every bulk request.
		// https://docs.aws.amazon.com/firehose/latest/dev/create-destination.html
		AdvancedOptions:      map[string]string{"rest.action.multi.allow_explicit_index": "true"},
		AccessPolicies:       accessPolicy(props),
		LogPublishingOptions: publishing,
		VpcOptions:           inside,
	})
	domain.AddResourceDependency(logPolicy, jsii.String("the domain checks at once that it may write its logs"))
	if props.Network != nil {
		// After the whole network: on destroy the groups that Firehose's and Lambda's network interfaces had outlive the
		// domain, whose deletion takes longer than these interfaces need to vanish.
		domain.Node().AddDependency(props.Network.Construct, props.Relay.role)
	}
	domain.ApplyRemovalPolicy(removal(props.Retain), nil)
	// Without it a new engine version replaces the domain.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatepolicy.html
	domain.CfnOptions().SetUpdatePolicy(&awscdk.CfnUpdatePolicy{EnableVersionUpgrade: jsii.Bool(true)})
	return &SearchDomain{
		Construct: this, Resource: domain, Name: props.DomainName,
		DataNodes: props.InstanceCount, MasterNodes: props.MasterCount, VolumeGB: props.VolumeSizeGB,
	}
}

// publishLogs makes the domain's log groups and the one resource policy that lets this domain write to them.
func publishLogs(scope constructs.Construct, props SearchDomainProps) (map[string]any, awslogs.CfnResourcePolicy) {
	publishing := map[string]any{}
	var groups []string
	for _, log := range []struct{ id, name, option string }{
		{"ApplicationLog", "application", "ES_APPLICATION_LOGS"},
		{"SearchSlowLog", "search-slow", "SEARCH_SLOW_LOGS"},
		{"IndexSlowLog", "index-slow", "INDEX_SLOW_LOGS"},
		{"AuditLog", "audit", "AUDIT_LOGS"},
	} {
		group := newLogGroup(scope, log.id, "/aws/opensearch/"+props.StackName+"-"+log.name, props.Logs)
		groups = append(groups, *group.LogGroupArn())
		publishing[log.option] = &awsopensearchservice.CfnDomain_LogPublishingOptionProperty{
			Enabled:                   jsii.Bool(true),
			CloudWatchLogsLogGroupArn: group.LogGroupArn(),
		}
	}
	document := encodeJSON(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "es.amazonaws.com"},
			"Action":    []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			"Resource":  groups,
			"Condition": map[string]any{
				"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()},
				"ArnLike":      map[string]any{"aws:SourceArn": domainARN(props.DomainName)},
			},
		}},
	})
	policy := awslogs.NewCfnResourcePolicy(scope, jsii.String("LogPolicy"), &awslogs.CfnResourcePolicyProps{
		PolicyName:     jsii.String(props.DomainName + "-logs"),
		PolicyDocument: jsii.String(document),
	})
	return publishing, policy
}
