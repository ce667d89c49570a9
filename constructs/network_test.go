package constructs_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// everyNetwork runs a check against every variant whose domain is in a VPC.
func everyNetwork(t *testing.T, check func(*testing.T, settings.Settings, *template)) {
	networks := 0
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		if config.VPC.Inside() && config.EnableOpenSearch {
			networks++
			check(t, config, template)
		}
	})
	if networks < 5 {
		t.Errorf("variants: must hold new VPCs of one, two and three zones and existing ones (got %d)", networks)
	}
}

// group renders the id of a security group: its logical id without the CDK's hash, or the id that was given.
func group(value any) string {
	text := render(value)
	if name, ok := strings.CutPrefix(text, "${Network"); ok {
		before, _, _ := strings.Cut(strings.TrimSuffix(name, "}"), ".")
		return before[:len(before)-8]
	}
	return text
}

func groups(value any) []string {
	var all []string
	for _, v := range listOf(value) {
		all = append(all, group(v))
	}
	return all
}

// rules lists every rule of every security group, in the group or as a resource of its own.
func rules(template *template) []string {
	var all []string
	add := func(direction, of string, rule map[string]any) {
		ports := fmt.Sprintf("%v %v-%v", rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
		peers := 0
		for _, key := range sortedKeys(rule) {
			if strings.HasPrefix(key, "Source") || strings.HasPrefix(key, "Destination") || strings.HasPrefix(key, "Cidr") {
				peers++
				all = append(all, fmt.Sprintf("%s %s %s %s", of, direction, ports, group(rule[key])))
			}
		}
		if peers == 0 {
			all = append(all, fmt.Sprintf("%s %s %s anywhere", of, direction, ports))
		}
	}
	for id, r := range template.Resources {
		switch r.Type {
		case "AWS::EC2::SecurityGroup":
			of := group(map[string]any{"Ref": id})
			out := listOf(r.Properties["SecurityGroupEgress"])
			if len(out) == 0 {
				all = append(all, of+" out everything") // what EC2 makes of a group without a rule
			}
			for _, rule := range out {
				add("out", of, rule.(map[string]any))
			}
			for _, rule := range listOf(r.Properties["SecurityGroupIngress"]) {
				add("in", of, rule.(map[string]any))
			}
		case "AWS::EC2::SecurityGroupIngress":
			add("in", group(r.Properties["GroupId"]), r.Properties)
		case "AWS::EC2::SecurityGroupEgress":
			add("out", group(r.Properties["GroupId"]), r.Properties)
		}
	}
	slices.Sort(all)
	return all
}

// Every rule there is: Firehose, the setup function and the clients reach the domain on 443, and no other connection is
// allowed.
func TestSecurityGroupsAdmitOnlyEachOther(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		clients := "ClientGroup"
		if existing := config.VPC.Existing; existing != nil && existing.ClientSecurityGroup != "" {
			clients = existing.ClientSecurityGroup
		}
		expected := []string{
			"DomainGroup in tcp 443-443 " + clients,
			"DomainGroup in tcp 443-443 SetupGroup",
			"DomainGroup in tcp 443-443 StreamGroup",
			"DomainGroup out icmp 252-86 255.255.255.255/32", // matches nothing, where no rule would allow all
			"SetupGroup out tcp 443-443 DomainGroup",
			"StreamGroup out tcp 443-443 DomainGroup",
		}
		if clients == "ClientGroup" {
			expected = append(expected, "ClientGroup out tcp 443-443 DomainGroup")
		}
		slices.Sort(expected)
		if got := rules(template); !slices.Equal(got, expected) {
			t.Errorf("rules: must be\n%s\n(got\n%s)", strings.Join(expected, "\n"), strings.Join(got, "\n"))
		}
	})
}

// Domain, Firehose and the setup function are each in their own group and in every subnet; no other part is in the VPC.
func TestEachPartIsInItsOwnGroup(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		var subnets []string
		if existing := config.VPC.Existing; existing != nil {
			subnets = existing.Subnets
		} else {
			for zone := range config.OpenSearchZoneCount {
				id, _ := template.one(t, "AWS::EC2::Subnet", fmt.Sprintf("NetworkSubnet%d", zone+1))
				subnets = append(subnets, "${"+id+".SubnetId}")
			}
		}
		inside := func(of string, place any, expected string) {
			t.Helper()
			properties, _ := place.(map[string]any)
			if got := groups(properties["SecurityGroupIds"]); !slices.Equal(got, []string{expected}) {
				t.Errorf("%s: must be in %s (got %v)", of, expected, got)
			}
			if got := renderAll(properties["SubnetIds"]); !slices.Equal(got, subnets) {
				t.Errorf("%s: must be in the subnets %v (got %v)", of, subnets, got)
			}
		}
		_, domain := template.one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
		inside("domain", domain.Properties["VPCOptions"], "DomainGroup")
		_, stream := template.one(t, firehose, "SearchStream")
		delivery, _ := at(stream.Properties, "AmazonopensearchserviceDestinationConfiguration.VpcConfiguration")
		inside("search stream", delivery, "StreamGroup")
		writer, _ := template.one(t, "AWS::IAM::Role", "SearchWriterRole")
		want(t, stream.Properties, "AmazonopensearchserviceDestinationConfiguration.VpcConfiguration.RoleARN.Fn::GetAtt.0",
			writer)
		for id, function := range template.of("AWS::Lambda::Function") {
			if strings.HasPrefix(id, "SearchSetup") {
				inside(id, function.Properties["VpcConfig"], "SetupGroup")
			} else {
				wantAbsent(t, function.Properties, "VpcConfig")
			}
		}
	})
}

func TestNewVPCHasOneSubnetAZoneAndNoWayOut(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		allowed := []string{"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"}
		if config.VPC.New {
			allowed = append(allowed, "AWS::EC2::FlowLog", "AWS::EC2::Subnet", "AWS::EC2::VPC")
		}
		for id, r := range template.Resources { // no NAT or internet gateway, no address, no route, no endpoint, no peering
			if strings.HasPrefix(r.Type, "AWS::EC2::") && !slices.Contains(allowed, r.Type) {
				t.Errorf("%s: must not be there (%s)", id, r.Type)
			}
		}
		if !config.VPC.New {
			return
		}
		vpcID, vpc := template.one(t, "AWS::EC2::VPC", "NetworkVpc")
		whole := netip.MustParsePrefix(vpc.Properties["CidrBlock"].(string))
		if got := len(template.of("AWS::EC2::Subnet")); got != config.OpenSearchZoneCount {
			t.Errorf("subnets: must be %d, one a zone (got %d)", config.OpenSearchZoneCount, got)
		}
		var ranges []netip.Prefix
		for zone := range config.OpenSearchZoneCount {
			id, subnet := template.one(t, "AWS::EC2::Subnet", fmt.Sprintf("NetworkSubnet%d", zone+1))
			want(t, subnet.Properties, "VpcId.Fn::GetAtt.0", vpcID)
			want(t, subnet.Properties, "AvailabilityZone.Fn::Select.0", zone)
			want(t, subnet.Properties, "AvailabilityZone.Fn::Select.1.Fn::GetAZs", "")
			want(t, subnet.Properties, "MapPublicIpOnLaunch", false)
			own := netip.MustParsePrefix(subnet.Properties["CidrBlock"].(string))
			if !whole.Contains(own.Addr()) || own.Bits() < whole.Bits() {
				t.Errorf("%s: %s must be within %s", id, own, whole)
			}
			for _, other := range ranges {
				if own.Overlaps(other) {
					t.Errorf("%s: %s overlaps %s", id, own, other)
				}
			}
			ranges = append(ranges, own)
			// AWS keeps 5; 200 data nodes in one zone reserve 3 each, twice during a blue/green change.
			if free := 1<<(32-own.Bits()) - 5; free < 2*3*200+3 {
				t.Errorf("%s: %d addresses are too few for the largest domain", id, free)
			}
		}
		want(t, vpc.Properties, "EnableDnsSupport", true)
	})
}

func TestNewVPCLogsWhatItRefuses(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		if !config.VPC.New {
			return
		}
		vpc, _ := template.one(t, "AWS::EC2::VPC", "NetworkVpc")
		group, _ := template.one(t, "AWS::Logs::LogGroup", "NetworkFlowLogGroup")
		_, log := template.one(t, "AWS::EC2::FlowLog", "NetworkFlowLog")
		want(t, log.Properties, "ResourceId.Fn::GetAtt.0", vpc)
		want(t, log.Properties, "TrafficType", "REJECT")
		want(t, log.Properties, "LogGroupName.Ref", group)
		for _, s := range statements(t, template) {
			if strings.HasPrefix(s.owner, "EncryptionKey") && strings.Contains(s.principal, "logs.") &&
				!strings.Contains(s.conditions, "log-group:/aws/vpc/"+config.StackName()+"-*") {
				t.Errorf("%s: must let CloudWatch Logs encrypt the flow log (got %s)", s.owner, s.conditions)
			}
		}
	})
}

// A domain with a public endpoint has nothing of a VPC.
func TestNoNetworkWithoutVPC(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		if config.VPC.Inside() && config.EnableOpenSearch {
			return
		}
		for id, r := range template.Resources {
			if strings.HasPrefix(r.Type, "AWS::EC2::") || strings.HasPrefix(id, "SearchRelay") ||
				strings.HasPrefix(id, "Network") {
				t.Errorf("%s: must not be there (%s)", id, r.Type)
			}
		}
		for _, domain := range template.of("AWS::OpenSearchService::Domain") {
			wantAbsent(t, domain.Properties, "VPCOptions")
		}
	})
}

// The relay waits for the setup function, and CloudFormation for the relay.
func TestSetupInsideAVPCIsAnsweredByTheRelay(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		relay, function := template.one(t, "AWS::Lambda::Function", "SearchRelay")
		_, setup := template.one(t, "AWS::Lambda::Function", "SearchSetup")
		want(t, function.Properties, "Environment.Variables.SETUP_FUNCTION", setup.Properties["FunctionName"])
		for _, kind := range []string{"Custom::SearchSetup", "Custom::ServiceLinkedRole"} {
			_, resource := template.one(t, kind, "Search")
			want(t, resource.Properties, "ServiceToken.Fn::GetAtt.0", relay)
			want(t, resource.Properties, "ServiceTimeout", 960)
		}
		inner, outer := setup.Properties["Timeout"].(float64), function.Properties["Timeout"].(float64)
		if inner+60 > outer || outer > 900 {
			t.Errorf("timeouts: the relay's must be at most 900 and well beyond the setup function's (got %v, %v)", outer, inner)
		}
		for _, s := range statements(t, template) {
			if strings.HasPrefix(s.owner, "SearchRelay") && slices.Contains(s.actions, "lambda:InvokeFunction") {
				expected := "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" +
					setup.Properties["FunctionName"].(string)
				if !slices.Equal(s.resources, []string{expected}) {
					t.Errorf("%s: must invoke %s only (got %v)", s.owner, expected, s.resources)
				}
			}
		}
	})
}

// The rights of Firehose and Lambda on network interfaces, which the setup function's own code does not have.
func TestNetworkInterfacesOnlyInTheSubnetsAndGroupsOfTheStack(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		for role, group := range map[string]string{"SearchWriterRole": "StreamGroup", "SearchSetupRole": "SetupGroup"} {
			allowed, denied := map[string]bool{}, map[string]bool{}
			for _, s := range statements(t, template) {
				if !strings.HasPrefix(s.owner, role) &&
					!(role == "SearchWriterRole" && strings.HasPrefix(s.owner, "SearchWriterCreateInterfaces")) {
					continue
				}
				for _, action := range s.actions {
					if !strings.HasPrefix(action, "ec2:") {
						continue
					}
					if s.effect == "Deny" {
						denied[action] = true
						if !strings.Contains(s.conditions, "lambda:SourceFunctionArn") {
							t.Errorf("%s: %s must be denied to the function's code only (got %s)", role, action, s.conditions)
						}
						continue
					}
					allowed[action] = true
					if strings.HasPrefix(action, "ec2:Create") && slices.Contains(s.resources, "*") {
						t.Errorf("%s: %s must name subnets and group", role, action)
					}
					if action == "ec2:CreateNetworkInterface" {
						text := strings.Join(s.resources, " ")
						if strings.Count(text, ":subnet/") != config.OpenSearchZoneCount ||
							strings.Count(text, ":security-group/") != 1 ||
							!strings.Contains(text, "Network"+group) {
							t.Errorf("%s: %s must be for the subnets and %s (got %s)", role, action, group, text)
						}
					}
				}
			}
			// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html, …/lambda/latest/dg/configuration-vpc.html
			needed := "ec2:CreateNetworkInterface ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface " +
				"ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeSubnets " +
				"ec2:DescribeVpcAttribute ec2:DescribeVpcs"
			if role == "SearchSetupRole" {
				needed = "ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface " +
					"ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses"
				if got := strings.Join(sortedKeys(denied), " "); got != needed {
					t.Errorf("%s: its code must be denied %s (got %s)", role, needed, got)
				}
			}
			if got := strings.Join(sortedKeys(allowed), " "); got != needed {
				t.Errorf("%s: must have %s (got %s)", role, needed, got)
			}
		}
	})
}

// A kept domain keeps its network and the groups that admit its clients: EC2 would not delete these under it, and the
// deletion of the stack would fail. The groups of the stream and the setup function stay too: without the domain's
// deletion nothing gives Firehose's interfaces the time to go. Only the rules that admit them go.
func TestKeptDomainKeepsItsNetwork(t *testing.T) {
	everyNetwork(t, func(t *testing.T, config settings.Settings, template *template) {
		for id, r := range template.Resources {
			if !strings.HasPrefix(r.Type, "AWS::EC2::") {
				continue
			}
			kept := config.RetainData
			for _, gone := range []string{"NetworkFromStream", "NetworkFromSetup", "NetworkFlowLog"} {
				kept = kept && !strings.HasPrefix(id, gone)
			}
			if got := strings.HasPrefix(r.DeletionPolicy, "Retain"); got != kept {
				t.Errorf("%s: must be kept: %t (got %q)", id, kept, r.DeletionPolicy)
			}
			if strings.HasPrefix(r.DeletionPolicy, "Retain") && r.DeletionPolicy != "RetainExceptOnCreate" {
				t.Errorf("%s: must go with a failed first deploy (got %q)", id, r.DeletionPolicy)
			}
			if !kept {
				continue
			}
			for other := range references(r.Properties, template.Resources) { // a kept resource must not refer to a deleted one
				if template.Resources[other].Type == "AWS::EC2::SecurityGroup" &&
					!strings.HasPrefix(template.Resources[other].DeletionPolicy, "Retain") {
					t.Errorf("%s: is kept and names %s, which goes", id, other)
				}
			}
		}
	})
}
