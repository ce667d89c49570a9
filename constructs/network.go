package constructs

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// NetworkProps configure a [Network].
type NetworkProps struct {
	StackName string
	ZoneCount int              // subnets of a new VPC, 1 to 3
	Zones     []string         // of a new VPC, one a subnet; empty: the first that the account has in the region
	Existing  *ExistingNetwork // nil: a new VPC
	Retain    bool             // the domain is kept when the stack is deleted: so are its VPC, its subnets and all groups
	Logs      Logs             // of a new VPC's flow log
}

// ExistingNetwork names a VPC that is there already.
type ExistingNetwork struct {
	VPCID         string
	SubnetIDs     []string // one a zone
	ClientGroupID string   // empty: the stack makes a group for clients
}

// Network is the VPC of the search domain and the security groups that admit only each other, on 443: Firehose, the
// search setup and the clients to the domain, and nothing to anywhere else. Names are resolved all the same: security
// groups do not filter requests to the VPC's own DNS server.
//
// No route leads out of a new VPC, and no endpoint leads into it: the domain's and Firehose's interfaces are driven by
// their services from outside, Firehose writes to S3 and functions write logs from outside too, and the setup function
// gets its credentials from its environment and its request from Lambda.
type Network struct {
	constructs.Construct
	VPCID         string
	SubnetIDs     []string // one a zone
	ClientGroupID string   // group of the machines from which people ask the domain
	domainGroup   string
	streamGroup   string
	setupGroup    string
	ofStream      awsec2.CfnSecurityGroup
}

// addresses of a new VPC and, by zone, of its subnets. A domain reserves three addresses a data node and zone, twice as
// many during a blue/green change, so that 200 nodes in one zone take 1,200 of the 4,091 that a /20 has; a subnet's
// range can never be changed. By zone, so that a domain that gets another zone keeps its subnets.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/vpc.html
const addresses = "10.64.0.0/18"

var subnetAddresses = []string{"10.64.0.0/20", "10.64.16.0/20", "10.64.32.0/20"}

// NewNetwork makes the security groups, and the VPC where none is given.
func NewNetwork(scope constructs.Construct, id string, props NetworkProps) *Network {
	n := &Network{Construct: constructs.NewConstruct(scope, jsii.String(id))}
	if existing := props.Existing; existing != nil {
		n.VPCID, n.SubnetIDs, n.ClientGroupID = existing.VPCID, existing.SubnetIDs, existing.ClientGroupID
	} else {
		n.makeVPC(props)
	}
	n.domainGroup, _ = n.newGroup(
		"DomainGroup",
		props.Retain,
		"Search domain of "+props.StackName+": takes requests, makes none",
		// Without any outbound rule, EC2 allows all outbound traffic. This one matches no existing address.
		&awsec2.CfnSecurityGroup_EgressProperty{
			CidrIp: jsii.String(
				"255.255.255.255/32"), IpProtocol: jsii.String("icmp"), FromPort: jsii.Number(252), ToPort: jsii.Number(86),
			Description: jsii.String("Nothing"),
		},
	)
	// With a kept domain these two are kept as well: its deletion is what gives Firehose's interfaces the time to go. A
	// group costs nothing.
	n.streamGroup, n.ofStream = n.newGroup("StreamGroup", props.Retain,
		"Firehose of "+props.StackName+": asks the search domain only", n.toDomain())
	n.setupGroup, _ = n.newGroup("SetupGroup", props.Retain,
		"Search setup of "+props.StackName+": asks the search domain only", n.toDomain())
	if n.ClientGroupID == "" {
		n.ClientGroupID, _ = n.newGroup("ClientGroup", props.Retain,
			"Clients of "+props.StackName+": may ask the search domain", n.toDomain())
	}
	n.admit("FromStream", n.streamGroup, false, "Firehose")
	n.admit("FromSetup", n.setupGroup, false, "Search setup")
	n.admit("FromClients", n.ClientGroupID, props.Retain, "Clients")
	return n
}

// makeVPC makes a VPC of isolated subnets. They use the VPC's main route table, which has the local route alone.
//
// The VPC's default security group, which EC2 makes and CloudFormation cannot change, is left as it is: emptying it
// would need a function with rights on every group, and nothing here is in it.
func (n *Network) makeVPC(props NetworkProps) {
	//accept:finding VPCDefaultSecurityGroupClosed on Network/Vpc
	// because nothing uses that group, and closing it needs a function with rights on every security group
	vpc := awsec2.NewCfnVPC(n.Construct, jsii.String("Vpc"), &awsec2.CfnVPCProps{
		CidrBlock:          jsii.String(addresses),
		EnableDnsSupport:   jsii.Bool(true),
		EnableDnsHostnames: jsii.Bool(true),
	})
	vpc.ApplyRemovalPolicy(removal(props.Retain), nil)
	awscdk.Tags_Of(vpc).Add(jsii.String("Name"), jsii.String(props.StackName), nil)
	n.VPCID = *vpc.AttrVpcId()
	for zone := range props.ZoneCount {
		// By number where no zone is named: the template does not know the region, and the CDK's own VPC would stop at two
		// zones.
		where := awscdk.Fn_Select(jsii.Number(zone), awscdk.Fn_GetAzs(nil))
		if len(props.Zones) > 0 {
			where = jsii.String(props.Zones[zone])
		}
		subnet := awsec2.NewCfnSubnet(n.Construct, jsii.String(fmt.Sprintf("Subnet%d", zone+1)), &awsec2.CfnSubnetProps{
			VpcId:               vpc.AttrVpcId(),
			CidrBlock:           jsii.String(subnetAddresses[zone]),
			AvailabilityZone:    where,
			MapPublicIpOnLaunch: jsii.Bool(false),
		})
		if len(props.Zones) > 0 {
			awscdk.Validations_Of(subnet).Acknowledge(&awscdk.Acknowledgment{
				Id:     jsii.String("CloudFormation-Validate::W3010"),
				Reason: jsii.String("the setting vpcZones names the zones"),
			})
		}
		subnet.ApplyRemovalPolicy(removal(props.Retain), nil)
		awscdk.Tags_Of(subnet).Add(jsii.String("Name"), jsii.String(fmt.Sprintf("%s-%d", props.StackName, zone+1)), nil)
		n.SubnetIDs = append(n.SubnetIDs, *subnet.AttrSubnetId())
	}
	n.logRefused(vpc, props)
}

// logRefused logs connections that the security groups reject, for people who cannot reach the domain.
func (n *Network) logRefused(vpc awsec2.CfnVPC, props NetworkProps) {
	group := newLogGroup(n.Construct, "FlowLogGroup", "/aws/vpc/"+props.StackName+"-refused", props.Logs)
	// https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
	principal := awsiam.NewServicePrincipal(
		jsii.String("vpc-flow-logs.amazonaws.com"),
		&awsiam.ServicePrincipalOpts{Conditions: &map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": *awscdk.Aws_ACCOUNT_ID()},
			"ArnLike":      map[string]any{"aws:SourceArn": arn("ec2", "vpc-flow-log/*")},
		}},
	)
	role := newServiceRole(
		n.Construct,
		"FlowLogRole",
		"Writes what the VPC of "+props.StackName+" refuses",
		principal,
		map[string][]statement{"Log": {{
			Actions:   []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Resources: []string{*group.LogGroupArn()},
		}}},
	)
	awsec2.NewCfnFlowLog(n.Construct, jsii.String("FlowLog"), &awsec2.CfnFlowLogProps{
		ResourceType:             jsii.String("VPC"),
		ResourceId:               vpc.AttrVpcId(),
		TrafficType:              jsii.String("REJECT"),
		LogDestinationType:       jsii.String("cloud-watch-logs"),
		LogGroupName:             group.LogGroupName(),
		DeliverLogsPermissionArn: role.RoleArn(),
	})
}

// newGroup makes a group with one outbound rule. Inbound rules are resources of their own: groups that name each other
// within themselves would be a circle.
func (n *Network) newGroup(
	id string,
	retain bool,
	description string,
	out *awsec2.CfnSecurityGroup_EgressProperty,
) (string, awsec2.CfnSecurityGroup) {
	group := awsec2.NewCfnSecurityGroup(n.Construct, jsii.String(id), &awsec2.CfnSecurityGroupProps{
		GroupDescription:    jsii.String(description),
		VpcId:               jsii.String(n.VPCID),
		SecurityGroupEgress: []any{out},
	})
	group.ApplyRemovalPolicy(removal(retain), nil)
	return *group.AttrGroupId(), group
}

const httpsPort = 443

func (n *Network) toDomain() *awsec2.CfnSecurityGroup_EgressProperty {
	return &awsec2.CfnSecurityGroup_EgressProperty{
		DestinationSecurityGroupId: jsii.String(n.domainGroup),
		IpProtocol:                 jsii.String("tcp"), FromPort: jsii.Number(httpsPort), ToPort: jsii.Number(httpsPort),
		Description: jsii.String("Search domain"),
	}
}

func (n *Network) admit(id, group string, retain bool, who string) {
	rule := awsec2.NewCfnSecurityGroupIngress(n.Construct, jsii.String(id), &awsec2.CfnSecurityGroupIngressProps{
		GroupId:               jsii.String(n.domainGroup),
		SourceSecurityGroupId: jsii.String(group),
		IpProtocol:            jsii.String("tcp"), FromPort: jsii.Number(httpsPort), ToPort: jsii.Number(httpsPort),
		Description: jsii.String(who),
	})
	rule.ApplyRemovalPolicy(removal(retain), nil)
}

// placement is where the network interfaces of a function or of a stream are: in every subnet, in one group.
type placement struct {
	vpc     string
	subnets []string
	group   string
}

func (n *Network) stream() *placement { return &placement{n.VPCID, n.SubnetIDs, n.streamGroup} }
func (n *Network) setup() *placement  { return &placement{n.VPCID, n.SubnetIDs, n.setupGroup} }

// anyInterface is every network interface of the account: their ids are not known beforehand.
func anyInterface() string { return arn("ec2", "network-interface/*") }

// anyAccounts leaves the account open: a shared VPC and its subnets are another account's. Their ids name them alone.
func anyAccounts(resource string) string {
	return "arn:" + *awscdk.Aws_PARTITION() + ":ec2:" + *awscdk.Aws_REGION() + ":*:" + resource
}

func (p *placement) subnetARNs() []string {
	var arns []string
	for _, id := range p.subnets {
		arns = append(arns, anyAccounts("subnet/"+id))
	}
	return arns
}

// create allows network interfaces in these subnets and in this group only.
func (p *placement) create() statement {
	return statement{
		Actions:   []string{"ec2:CreateNetworkInterface"},
		Resources: append([]string{anyInterface(), arn("ec2", "security-group/"+p.group)}, p.subnetARNs()...),
	}
}

// createDeliveryInterfaces is the one right of Firehose that names its group. It is a policy of its own: the rest of
// the role's rights have to outlive the group.
func (n *Network) createDeliveryInterfaces(scope constructs.Construct, role awsiam.Role) {
	//accept:finding AwsSolutions-IAM5,IAMNoInlinePolicy on SearchWriter/CreateInterfaces
	// because the patterns are network interfaces, whose ids nobody knows beforehand, and named subnets of any
	// account, since a shared VPC is another's; a policy that belongs to one role goes with it
	awsiam.NewPolicy(scope, jsii.String("CreateInterfaces"), &awsiam.PolicyProps{
		Roles:      &[]awsiam.IRole{role},
		Statements: build([]statement{n.stream().create()}),
	})
	// On destroy the role goes after the group: Firehose deletes its interfaces with this role, some minutes after the
	// stream, and EC2 does not delete the group before. https://github.com/hashicorp/terraform-provider-aws/issues/27696
	n.ofStream.AddResourceDependency(role.Node().DefaultChild().(awsiam.CfnRole),
		jsii.String("on destroy Firehose takes its interfaces out of the group with this role"))
}

// manageDeliveryInterfaces has the other rights of Firehose: to deliver into a VPC as long as the stream exists, and to
// delete its interfaces afterwards. https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func (p *placement) manageDeliveryInterfaces() []statement {
	return []statement{
		{
			// EC2 describes everything or nothing: these actions, unlike the others here, have no resources.
			// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
			Actions: []string{
				"ec2:DescribeNetworkInterfaces",
				"ec2:DescribeSecurityGroups",
				"ec2:DescribeSubnets",
				"ec2:DescribeVpcs",
			},
			Resources: []string{"*"},
		},
		{Actions: []string{"ec2:DescribeVpcAttribute"}, Resources: []string{anyAccounts("vpc/" + p.vpc)}},
		{
			Actions:    []string{"ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"},
			Resources:  []string{anyInterface()},
			Conditions: conditions{"ArnLike": {"ec2:Subnet": p.subnetARNs()}},
		},
	}
}

// manageFunctionInterfaces has the rights of Lambda to connect a function to the VPC, and denies them to the function's
// own code, which has the same role. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func (p *placement) manageFunctionInterfaces(function string) []statement {
	deleting := []string{"ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"}
	// EC2 describes everything or nothing, as above.
	describing := []string{"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
	return []statement{
		{Actions: describing, Resources: []string{"*"}},
		p.create(),
		// On every interface: Lambda's guide warns that a narrower DeleteNetworkInterface may keep a function out of its VPC.
		{Actions: deleting, Resources: []string{anyInterface()}},
		{
			Deny:       true,
			Actions:    append(append([]string{"ec2:CreateNetworkInterface"}, deleting...), describing...),
			Resources:  []string{"*"},
			Conditions: conditions{"ArnEquals": {"lambda:SourceFunctionArn": arn("lambda", "function:"+function)}},
		},
	}
}
