package constructs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// iamStatement is one statement of the template, of a role or of a resource.
type iamStatement struct {
	owner      string // logical id of the role or of the resource that carries the policy
	effect     string
	principal  string // resource policies and trust policies
	actions    []string
	resources  []string
	conditions string
}

// statements collects every statement: roles' trust and inline policies, separate policies, policies of resources.
func statements(t *testing.T, template *template) []iamStatement {
	t.Helper()
	var found []iamStatement
	add := func(owner string, document any) {
		if text, ok := document.(string); ok { // a policy written as JSON text
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				t.Fatalf("%s: policy is no JSON: %v", owner, err)
			}
		}
		policy, ok := document.(map[string]any)
		if !ok {
			t.Fatalf("%s: policy is no object (got %v)", owner, document)
		}
		for _, s := range listOf(policy["Statement"]) {
			statement := s.(map[string]any)
			found = append(found, iamStatement{
				owner:      owner,
				effect:     statement["Effect"].(string),
				principal:  render(statement["Principal"]),
				actions:    renderAll(statement["Action"]),
				resources:  renderAll(statement["Resource"]),
				conditions: render(statement["Condition"]),
			})
		}
	}
	for _, id := range sortedKeys(template.Resources) {
		r := template.Resources[id]
		switch r.Type {
		case "AWS::IAM::Role":
			add(id+" (trust)", r.Properties["AssumeRolePolicyDocument"])
			for _, policy := range listOf(r.Properties["Policies"]) {
				add(id, policy.(map[string]any)["PolicyDocument"])
			}
			if managed := r.Properties["ManagedPolicyArns"]; managed != nil && !isAccountLogRole(id, managed) {
				t.Errorf("%s: must have no managed policy: theirs are for every resource (got %v)", id, managed)
			}
		case "AWS::IAM::Policy",
			"AWS::IAM::ManagedPolicy",
			"AWS::S3::BucketPolicy",
			"AWS::SQS::QueuePolicy",
			"AWS::SNS::TopicPolicy",
			"AWS::Logs::ResourcePolicy":
			document := r.Properties["PolicyDocument"]
			if join, ok := at(document, "Fn::Join"); ok { // JSON text with references in it
				document = render(map[string]any{"Fn::Join": join})
			}
			add(id, document)
		case "AWS::KMS::Key":
			add(id, r.Properties["KeyPolicy"])
		case "AWS::OpenSearchService::Domain":
			add(id, r.Properties["AccessPolicies"])
		case "AWS::Lambda::Permission":
			conditions := []string{}
			for _, property := range []string{"SourceAccount", "SourceArn"} {
				if value := render(r.Properties[property]); value != "" {
					conditions = append(conditions, property+" "+value)
				}
			}
			found = append(found, iamStatement{
				owner: id, effect: "Allow", principal: "Service " + render(r.Properties["Principal"]),
				actions:   renderAll(r.Properties["Action"]),
				resources: renderAll(r.Properties["FunctionName"]), conditions: strings.Join(conditions, "; "),
			})
		}
	}
	return found
}

// isAccountLogRole reports whether a role is the one by which API Gateway logs for the whole account and region. API
// Gateway tests that it has the rights of AWS's own policy.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
func isAccountLogRole(id string, managed any) bool {
	policies := renderAll(managed)
	return strings.HasPrefix(id, "FrontDoorApiCloudWatchRole") && len(policies) == 1 &&
		strings.HasSuffix(policies[0], ":iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")
}

func listOf(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func renderAll(value any) []string {
	var all []string
	for _, v := range listOf(value) {
		all = append(all, render(v))
	}
	return all
}

// render writes a value of the template as text: references as ${LogicalId} or ${LogicalId.Attribute}, the rest as
// JSON.
func render(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if id, ok := v["Ref"].(string); ok {
			return "${" + id + "}"
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("${%s.%s}", att[0], att[1])
		}
		if join, ok := v["Fn::Join"].([]any); ok {
			return strings.Join(renderAll(join[1]), join[0].(string))
		}
		if sub, ok := v["Fn::Sub"].(string); ok {
			return sub
		}
		var parts []string
		for _, key := range sortedKeys(v) {
			parts = append(parts, key+" "+render(v[key]))
		}
		return strings.Join(parts, "; ")
	case []any:
		parts := renderAll(v)
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	default:
		return fmt.Sprint(v)
	}
}

// Every right of every role, one line each: a change of rights is a change of these files, seen in review.
func TestStatements(t *testing.T) {
	for _, name := range []string{"dev", "production", "tracing and concurrency", "smallest", "ingestion kinesis",
		"front door kinesis", "front door keys", "vpc new", "vpc existing"} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, s := range statements(t, synth(t, variants[name])) {
				for _, action := range s.actions {
					resources := s.resources
					if len(resources) == 0 {
						resources = []string{"-"}
					}
					for _, resource := range resources {
						line := strings.Join([]string{s.owner, s.effect, action, resource}, " | ")
						if s.principal != "" {
							line += " | by " + s.principal
						}
						if s.conditions != "" {
							line += " | if " + s.conditions
						}
						lines = append(lines, line)
					}
				}
			}
			slices.Sort(lines)
			golden(t, filepath.Join("testdata", "iam", strings.ReplaceAll(name, " ", "-")+".txt"),
				strings.Join(lines, "\n")+"\n")
		})
	}
}

// golden compares with a file under testdata, or rewrites it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	expected, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -run %s -update writes it)", err, t.Name())
	}
	if got == string(expected) {
		return
	}
	before, after := strings.Split(string(expected), "\n"), strings.Split(got, "\n")
	for _, line := range before {
		if !slices.Contains(after, line) {
			t.Errorf("%s: is gone: %s", path, line)
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			t.Errorf("%s: is new: %s", path, line)
		}
	}
	if !t.Failed() {
		t.Errorf("%s: the order of lines differs", path)
	}
}

// allowedStars are the actions that AWS grants on nothing narrower than *, with the reason.
var allowedStars = map[string]string{
	"xray:PutTelemetryRecords":            "X-Ray has no resources to name",
	"xray:PutTraceSegments":               "X-Ray has no resources to name",
	"ec2:DescribeNetworkInterfaces":       "EC2 describes everything or nothing",
	"ec2:DescribeSecurityGroups":          "EC2 describes everything or nothing",
	"ec2:DescribeSubnets":                 "EC2 describes everything or nothing",
	"ec2:DescribeVpcs":                    "EC2 describes everything or nothing",
	"kms:*":                               "in the key's own policy * is the key; this is the root statement, for IAM",
	"kms:Decrypt":                         "in the key's own policy * is the key",
	"kms:DescribeKey":                     "in the key's own policy * is the key",
	"kms:Encrypt":                         "in the key's own policy * is the key",
	"kms:GenerateDataKey":                 "in the key's own policy * is the key",
	"kms:GenerateDataKeyWithoutPlaintext": "in the key's own policy * is the key",
	"kms:ReEncryptFrom":                   "in the key's own policy * is the key",
	"kms:ReEncryptTo":                     "in the key's own policy * is the key",
}

// allowedPatterns are the action patterns that the CDK writes for the function that empties the bucket on destroy.
var allowedPatterns = []string{"s3:DeleteObject*", "s3:GetBucket*", "s3:List*"}

// maxStars is the number of statements of roles with the resource *. A change lowers it, or says in its message why it
// raises it.
const maxStars = 5

func TestNoRightIsWiderThanItMustBe(t *testing.T) {
	stars := map[string]bool{}
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for _, s := range statements(t, template) {
			if s.effect == "Deny" {
				continue
			}
			ofKey := strings.HasPrefix(s.owner, "EncryptionKey")
			if slices.Contains(s.resources, "*") && !ofKey {
				stars[s.owner+" "+strings.Join(s.actions, ",")] = true
			}
			for _, action := range s.actions {
				if strings.HasSuffix(action, "*") && !slices.Contains(allowedPatterns, action) &&
					!(ofKey && action == "kms:*" && strings.Contains(s.principal, ":root")) {
					t.Errorf("%s: action %s is a pattern", s.owner, action)
				}
				if slices.Contains(allowedPatterns, action) &&
					!(strings.HasPrefix(s.owner, "DataLakeBucketPolicy") && strings.Contains(s.principal, "S3AutoDeleteObjects")) {
					t.Errorf("%s: action %s is for the emptying function only", s.owner, action)
				}
				if slices.Contains(s.resources, "*") &&
					(allowedStars[action] == "" || strings.HasPrefix(action, "kms:") && !ofKey) {
					t.Errorf("%s: %s on * has no reason", s.owner, action)
				}
			}
			if strings.Contains(s.principal, "AWS *") || s.principal == "*" {
				t.Errorf("%s: allows everybody", s.owner)
			}
		}
	})
	t.Logf("statements of roles with the resource *: %d %v", len(stars), sortedKeys(stars))
	if len(stars) > maxStars {
		t.Errorf("statements of roles with the resource *: must be at most %d (got %d)", maxStars, len(stars))
	}
}

// A service of AWS that a policy admits acts for this account alone: otherwise another account could have it act here.
// Lambda and API Gateway need none to assume a role: functions and APIs have it by iam:PassRole in its own account.
func TestServicesActForThisAccountOnly(t *testing.T) {
	everyVariant(t, func(t *testing.T, _ settings.Settings, template *template) {
		for _, s := range statements(t, template) {
			service, ok := strings.CutPrefix(s.principal, "Service ")
			passed := strings.HasSuffix(s.owner, " (trust)") &&
				(service == "lambda.amazonaws.com" || service == "apigateway.amazonaws.com")
			if !ok || s.effect == "Deny" || passed {
				continue
			}
			if !strings.Contains(s.conditions, "${AWS::AccountId}") {
				t.Errorf("%s: %s has %v without a condition on the account (got %q)", s.owner, service, s.actions, s.conditions)
			}
		}
	})
}
