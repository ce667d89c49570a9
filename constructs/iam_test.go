package constructs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var iamTemplates = flag.String("iam-templates", "", "folder that TestWriteIAMTemplates writes templates with every role to")

// ingestions are the values of the setting, with the settings that need it: producers and streams have other rights
// with each.
var ingestions = map[string]string{
	"direct":  `"ingestion": "direct"`,
	"kinesis": `"ingestion": "kinesis", "enableApi": true`,
}

// iamContext switches on all that has a role or needs a right, beside the ingestion.
const iamContext = `{"environment": "production", "vpc": "new", "enableTracing": true, %s,
	"openSearchAdminRoleArns": ["arn:aws:iam::111122223333:role/Admin"],
	"openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"]}`

// hashedSchema has a field with a hash, so that the transform reads a key.
const hashedSchema = `{"type": "object", "x-event-id": "event_id", "required": ["event_id"], "properties": {
	"event_id": {"type": "string"}, "customer": {"type": "string", "x-protect": "hash"}}}`

// synthEveryRole synthesises the stack of iamContext with hashedSchema.
func synthEveryRole(t *testing.T, ingestion string) *template {
	t.Helper()
	return synthWithSchema(t, load(t, fmt.Sprintf(iamContext, ingestions[ingestion])), hashedSchema)
}

// TestWriteIAMTemplates is for verify/iam: the policies that an independent evaluator of IAM reads.
func TestWriteIAMTemplates(t *testing.T) {
	if *iamTemplates == "" {
		t.Skip("-iam-templates names no folder")
	}
	if err := os.MkdirAll(*iamTemplates, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, ingestion := range sortedKeys(ingestions) {
		text, err := json.MarshalIndent(synthEveryRole(t, ingestion).cdk.ToJSON(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*iamTemplates, ingestion+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// iamReason says why a role or policy has a statement, which is found by the owner and by its first action.
type iamReason struct{ owner, action, reason string }

const (
	reasonLogs  = "Lambda writes the function's log"
	reasonTrace = "The function sends its traces (`enableTracing`); X-Ray has no resources"
)

// iamReasons are in the order of the page. The owner is the beginning of a logical id.
var iamReasons = []iamReason{
	{"ErrorHandlerRole", "sqs:SendMessage", "Sends dead letters"},
	{"ErrorHandlerRole", "kms:Decrypt", "SQS encrypts the dead letters with the stack's key, in the sender's name"},
	{"ErrorHandlerRole", "logs:CreateLogStream", reasonLogs},
	{"ErrorHandlerRole", "xray:PutTelemetryRecords", reasonTrace},
	{"ErrorHandlerReadErrorObjects", "s3:GetObject", "Reads error objects, in the version that the notification names"},
	{"ErrorHandlerReadErrorObjects", "kms:Decrypt", "S3 decrypts error objects, in the reader's name"},
	{"LakeTransformRole", "secretsmanager:GetSecretValue", "Reads the key of hashed fields; only with such a field"},
	{"LakeTransformRole", "kms:Decrypt", "Secrets Manager decrypts that key, in the reader's name"},
	{"LakeTransformRole", "logs:CreateLogStream", reasonLogs},
	{"LakeTransformRole", "xray:PutTelemetryRecords", reasonTrace},
	{"SearchTransformRole", "secretsmanager:GetSecretValue", "Reads the key of hashed fields; only with such a field"},
	{"SearchTransformRole", "kms:Decrypt", "Secrets Manager decrypts that key, in the reader's name"},
	{"SearchTransformRole", "logs:CreateLogStream", reasonLogs},
	{"SearchTransformRole", "xray:PutTelemetryRecords", reasonTrace},
	{"LakeStreamRole", "s3:GetBucketLocation", "Firehose finds the bucket, and its own unfinished uploads"},
	{"LakeStreamRole", "s3:AbortMultipartUpload", "Firehose writes events, their copies and error objects, below its prefixes"},
	{"LakeStreamRole", "kms:Decrypt if StringEquals kms:ViaService s3", "S3 encrypts the objects, in Firehose's name"},
	{"LakeStreamRole", "kinesis:DescribeStream", "Firehose reads the data stream (`ingestion: kinesis`)"},
	{"LakeStreamRole", "kms:Decrypt if StringEquals kms:EncryptionContext:aws:kinesis", "Kinesis decrypts its records, in Firehose's name"},
	{"LakeStreamRole", "logs:PutLogEvents", "Firehose writes its error log"},
	{"LakeStreamRole", "glue:GetTable", "Firehose reads the schema for Parquet or ORC; Glue checks catalog, database and table"},
	{"LakeStreamRole", "lambda:GetFunctionConfiguration", "Firehose calls the transform"},
	{"SearchWriterRole", "es:DescribeDomain", "Firehose finds the domain; AWS checks the ARN with and without a path"},
	{"SearchWriterRole", "es:ESHttpPost", "Firehose writes documents"},
	{"SearchWriterRole", "es:ESHttpGet", "Firehose reads the state of domain and index: AWS's list of paths"},
	{"SearchWriterRole", "s3:GetBucketLocation", "Firehose finds the bucket, and its own unfinished uploads"},
	{"SearchWriterRole", "s3:AbortMultipartUpload", "Firehose writes copies and error objects, below its prefixes"},
	{"SearchWriterRole", "kms:Decrypt if StringEquals kms:ViaService s3", "S3 encrypts the objects, in Firehose's name"},
	{"SearchWriterRole", "kinesis:DescribeStream", "Firehose reads the data stream (`ingestion: kinesis`)"},
	{"SearchWriterRole", "kms:Decrypt if StringEquals kms:EncryptionContext:aws:kinesis", "Kinesis decrypts its records, in Firehose's name"},
	{"SearchWriterRole", "logs:PutLogEvents", "Firehose writes its error log"},
	{"SearchWriterRole", "lambda:GetFunctionConfiguration", "Firehose calls the transform"},
	{"SearchWriterRole", "ec2:DescribeNetworkInterfaces", "Firehose looks at the network of a domain in a VPC; EC2 describes everything or nothing"},
	{"SearchWriterRole", "ec2:DescribeVpcAttribute", "Firehose looks at the VPC of the domain"},
	{"SearchWriterRole", "ec2:CreateNetworkInterfacePermission", "Firehose uses and removes its interfaces, in the domain's subnets only"},
	{"SearchWriterCreateInterfaces", "ec2:CreateNetworkInterface", "Firehose makes its interfaces, in the domain's subnets and its own security group only"},
	{"SearchSetupRole", "es:ESHttpDelete /_plugins/_security/api/roles/*", "Writes the domain's roles and their mappings, as its master user"},
	{"SearchSetupRole", "es:ESHttpGet /_plugins/_security/api/audit", "Switches the audit log on"},
	{"SearchSetupRole", "es:ESHttpDelete /_index_template/realtime-events", "Writes the index template and the retention policy"},
	{"SearchSetupRole", "es:ESHttpGet /realtime-events*/_mapping", "Brings the mapping and replicas of existing indices up to date"},
	{"SearchSetupRole", "es:ESHttpGet /_cluster/settings", "Reads the state that it compares with the wanted one"},
	{"SearchSetupRole", "es:ESHttpPost", "Puts existing indices under the retention policy"},
	{"SearchSetupRole", "logs:CreateLogStream", reasonLogs},
	{"SearchSetupRole", "ec2:DescribeNetworkInterfaces", "Lambda looks at the network of a domain in a VPC; EC2 describes everything or nothing"},
	{"SearchSetupRole", "ec2:CreateNetworkInterface", "Lambda makes the function's interfaces, in the domain's subnets only"},
	{"SearchSetupRole", "ec2:AssignPrivateIpAddresses", "Lambda uses and removes these interfaces"},
	{"SearchRelayRole", "lambda:InvokeFunction", "Calls the setup function, which has no way out of the VPC"},
	{"SearchRelayRole", "iam:GetRole", "Looks whether the account has OpenSearch's service-linked role"},
	{"SearchRelayRole", "iam:CreateServiceLinkedRole", "Makes that role, and no other"},
	{"SearchRelayRole", "logs:CreateLogStream", reasonLogs},
	{"NetworkFlowLogRole", "logs:CreateLogStream", "The VPC writes its flow log; only with `vpc: new`"},
	{"ProducersPolicy", "firehose:PutRecord", "A managed policy for your producers"},
	{"ProducersPolicy", "kinesis:DescribeStreamSummary", "The same with `ingestion: kinesis`, also for the Kinesis Producer Library"},
	{"ProducersPolicy", "kms:GenerateDataKey", "Kinesis encrypts the records, in the producer's name"},
	{"ProducersPolicy", "execute-api:Invoke", "Producers send to the front door (`enableApi`), signed"},
	{"FrontDoorRole", "kinesis:PutRecords", "API Gateway puts the events of a request; without a data stream, to the lake stream"},
	{"FrontDoorRole", "kms:GenerateDataKey", "Kinesis encrypts the records, in API Gateway's name"},
	{"AthenaReadersPolicy", "athena:BatchGetNamedQuery", "A managed policy for people who query: the workgroup and its saved queries"},
	{"AthenaReadersPolicy", "glue:GetDatabase", "The tables of the lake"},
	{"AthenaReadersPolicy", "s3:GetBucketLocation", "Athena lists the lake in the reader's name"},
	{"AthenaReadersPolicy", "s3:GetObject", "Athena reads events and error objects in the reader's name"},
	{"AthenaReadersPolicy", "kms:Decrypt if StringEquals", "S3 decrypts these objects, in the reader's name"},
	{"AthenaReadersPolicy", "kms:Decrypt if ArnLike", "Athena encrypts and decrypts results, in the reader's name"},
}

// matches reports whether the reason is for the statement. An action with a path or a condition is for the statement
// whose first resource ends so, or whose conditions begin so.
func (r iamReason) matches(s iamStatement) bool {
	action, path, ofPath := strings.Cut(r.action, " /")
	action, condition, ofCondition := strings.Cut(action, " if ")
	return s.effect == "Allow" && strings.HasPrefix(s.owner, r.owner) && s.actions[0] == action &&
		(!ofPath || strings.HasSuffix(s.resources[0], "/"+path)) &&
		(!ofCondition || strings.HasPrefix(s.conditions, condition))
}

var (
	logicalIDSuffix = regexp.MustCompile(`[0-9A-F]{8}$`)
	iamReference    = regexp.MustCompile(`\$\{([A-Za-z0-9]+?)[0-9A-F]{8}(\.[A-Za-z]+)?\}`)
	iamDomain       = regexp.MustCompile(`kinesis-fi-production-[0-9a-f]+`)
)

// readable shortens what is the same in each row.
func readable(text string) string {
	text = iamReference.ReplaceAllString(text, "$1")
	text = strings.NewReplacer("${AWS::Partition}", "aws", ":${AWS::Region}:${AWS::AccountId}:", ":…:",
		"${AWS::AccountId}", "ACCOUNT", "${AWS::Region}", "REGION", "${AWS::URLSuffix}", "amazonaws.com",
		"kinesis-firehose-pipeline-production", "STACK", "kinesis_firehose_pipeline_production", "STACK").Replace(text)
	text = iamDomain.ReplaceAllString(text, "DOMAIN")
	return strings.ReplaceAll(text, "|", `\|`)
}

func codeList(values []string) string {
	var cells []string
	for _, value := range values {
		cells = append(cells, "`"+readable(value)+"`")
	}
	return strings.Join(cells, ", ")
}

// iamTable writes the rows of every role and policy, and fails for a statement without a reason.
func iamTable(t *testing.T) string {
	t.Helper()
	var all []iamStatement
	known := map[string]bool{}
	for _, ingestion := range sortedKeys(ingestions) {
		for _, s := range statements(t, synthEveryRole(t, ingestion)) {
			if text := fmt.Sprint(s); !known[text] {
				known[text] = true
				all = append(all, s)
			}
		}
	}
	used := map[int]bool{}
	var rows strings.Builder
	owner := ""
	for _, r := range iamReasons {
		found := 0
		for n, s := range all {
			if !r.matches(s) {
				continue
			}
			found++
			used[n] = true
			if name := logicalIDSuffix.ReplaceAllString(s.owner, ""); name != owner {
				owner = name
				fmt.Fprintf(&rows, "\n### %s\n\n| Actions | Resources | Condition | Reason |\n| --- | --- | --- | --- |\n", name)
			}
			condition := ""
			if s.conditions != "" {
				condition = codeList([]string{s.conditions})
			}
			fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", codeList(s.actions), codeList(s.resources), condition, r.reason)
		}
		if found != 1 {
			t.Errorf("%s %s: the reason is for %d statements, want 1", r.owner, r.action, found)
		}
	}
	for n, s := range all {
		// Resource policies name their principal: constructs/testdata/iam has them. A denial takes nothing away from the reader.
		if s.principal == "" && s.effect == "Allow" && !used[n] {
			t.Errorf("%s: %v on %v has no reason in iamReasons", s.owner, s.actions, s.resources)
		}
	}
	return rows.String()
}

// docs/iam.md has every statement of the template with its reason.
func TestIAMTableIsInTheDocumentation(t *testing.T) {
	checkGenerated(t, "docs/iam.md", "roles", strings.TrimSpace(iamTable(t)))
}
