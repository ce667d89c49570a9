package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// resource is one resource of the template, as it is written.
type resource struct {
	Type       string
	Properties map[string]any
	Condition  string
}

// resolver replaces intrinsic functions by their values in a stack of this name: physical names as CloudFormation
// generates them, but without their random part.
type resolver struct {
	stack      string
	resources  map[string]resource
	parameters map[string]struct{ Default any }
}

// The part of a logical id that the CDK adds to keep it unique.
var hashSuffix = regexp.MustCompile(`[0-9A-F]{8}$`)

// nameProperties are the properties that give a resource its physical name.
var nameProperties = map[string]string{
	"AWS::Kinesis::Stream":                 "Name",
	"AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
	"AWS::Lambda::Function":                "FunctionName",
	"AWS::Logs::LogGroup":                  "LogGroupName",
	"AWS::Logs::LogStream":                 "LogStreamName",
	"AWS::OpenSearchService::Domain":       "DomainName",
	"AWS::S3::Bucket":                      "BucketName",
	"AWS::SQS::Queue":                      "QueueName",
}

// arnFormats are the ARNs of resources; %s is the physical name.
var arnFormats = map[string]string{
	"AWS::KinesisFirehose::DeliveryStream": "arn:aws:firehose:" + Region + ":" + AccountID + ":deliverystream/%s",
	"AWS::Kinesis::Stream":                 "arn:aws:kinesis:" + Region + ":" + AccountID + ":stream/%s",
	"AWS::IAM::Role":                       "arn:aws:iam::" + AccountID + ":role/%s",
	"AWS::KMS::Key":                        "arn:aws:kms:" + Region + ":" + AccountID + ":key/%s",
	"AWS::Lambda::Function":                "arn:aws:lambda:" + Region + ":" + AccountID + ":function:%s",
	"AWS::Logs::LogGroup":                  "arn:aws:logs:" + Region + ":" + AccountID + ":log-group:%s:*",
	"AWS::OpenSearchService::Domain":       "arn:aws:es:" + Region + ":" + AccountID + ":domain/%s",
	"AWS::S3::Bucket":                      "arn:aws:s3:::%s",
	"AWS::SQS::Queue":                      "arn:aws:sqs:" + Region + ":" + AccountID + ":%s",
}

// idAttributes give the ids that a stream's delivery into a VPC and resources of an API name.
var idAttributes = map[string]string{"AWS::ApiGateway::RestApi": "RootResourceId",
	"AWS::EC2::SecurityGroup": "GroupId", "AWS::EC2::Subnet": "SubnetId"}

// nameLimits are the lengths that names of the type may have.
var nameLimits = map[string]int{"AWS::Kinesis::Stream": 128, "AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80}

// physicalName is what Ref gives: the name in the template, or <stack>-<logical id without the CDK's hash>, in lower
// case for a bucket, and shortened from the front to the service's limit.
func (r *resolver) physicalName(id string) (string, error) {
	res := r.resources[id]
	if given, ok := res.Properties[nameProperties[res.Type]]; ok {
		name, err := r.resolveValue(given)
		if text, isText := name.(string); err == nil && isText {
			return text, nil
		}
		return "", fmt.Errorf("naming %s: %v is no name: %w", id, given, err)
	}
	name := r.stack + "-" + hashSuffix.ReplaceAllString(id, "")
	if res.Type == "AWS::S3::Bucket" {
		name = strings.ToLower(name)
	}
	limit := nameLimits[res.Type]
	if limit == 0 {
		limit = 64
	}
	if len(name) > limit {
		name = strings.TrimLeft(name[len(name)-limit:], "-.")
	}
	return name, nil
}

// resolveValue returns v with its intrinsic functions replaced.
func (r *resolver) resolveValue(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, argument := range v {
				if name == "Ref" || name == "Condition" || strings.HasPrefix(name, "Fn::") {
					return r.callFunction(name, argument)
				}
			}
		}
		out := make(map[string]any, len(v))
		for key, member := range v {
			resolved, err := r.resolveValue(member)
			if err != nil {
				return nil, err
			}
			out[key] = resolved
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			resolved, err := r.resolveValue(element)
			if err != nil {
				return nil, err
			}
			out[i] = resolved
		}
		return out, nil
	}
	return v, nil
}

func (r *resolver) callFunction(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		if id, ok := argument.(string); ok {
			return r.resolveRef(id)
		}
	case "Fn::GetAtt":
		switch a := argument.(type) {
		case string:
			if id, attribute, ok := strings.Cut(a, "."); ok {
				return r.resolveAttribute(id, attribute)
			}
		case []any:
			if len(a) == 2 {
				id, isText := a[0].(string)
				attribute, isTextToo := a[1].(string)
				if isText && isTextToo {
					return r.resolveAttribute(id, attribute)
				}
			}
		}
	case "Fn::Join":
		if a, ok := argument.([]any); ok && len(a) == 2 {
			separator, isText := a[0].(string)
			resolved, err := r.resolveValue(a[1])
			if err != nil {
				return nil, err
			}
			if list, isList := resolved.([]any); isText && isList {
				return joinList(separator, list)
			}
		}
	case "Fn::Sub":
		return r.substituteNames(argument)
	}
	written, err := json.Marshal(argument)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("resolving %s: this form is not modelled (got %s)", name, written)
}

func joinList(separator string, list []any) (string, error) {
	texts := make([]string, len(list))
	for i, element := range list {
		text, ok := element.(string)
		if !ok {
			return "", fmt.Errorf("resolving Fn::Join: must join strings (got %v)", element)
		}
		texts[i] = text
	}
	return strings.Join(texts, separator), nil
}

func (r *resolver) resolveRef(id string) (any, error) {
	switch id {
	case "AWS::AccountId":
		return AccountID, nil
	case "AWS::Region":
		return Region, nil
	case "AWS::Partition":
		return Partition, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return r.stack, nil
	}
	if p, ok := r.parameters[id]; ok {
		if p.Default == nil {
			return nil, fmt.Errorf("resolving Ref: parameter %s has no default", id)
		}
		return p.Default, nil
	}
	res, ok := r.resources[id]
	if !ok {
		return nil, fmt.Errorf("resolving Ref: no resource %q", id)
	}
	name, err := r.physicalName(id)
	if err == nil && res.Type == "AWS::SQS::Queue" {
		// A queue's Ref is its URL; the model puts the address of its own endpoint in place of AWS's.
		return QueueURLBase + name, nil
	}
	if err == nil && res.Type == "AWS::SecretsManager::Secret" { // the ARN, which on AWS ends in six random characters
		return "arn:aws:secretsmanager:" + Region + ":" + AccountID + ":secret:" + name, nil
	}
	return name, err
}

// QueueURLBase begins a queue's URL in a resolved environment; the rest is the queue's name.
const QueueURLBase = "https://sqs." + Region + ".amazonaws.com/" + AccountID + "/"

func (r *resolver) resolveAttribute(id, attribute string) (any, error) {
	res, ok := r.resources[id]
	if !ok {
		return nil, fmt.Errorf("resolving Fn::GetAtt: no resource %q", id)
	}
	name, err := r.physicalName(id)
	if err != nil {
		return nil, err
	}
	if format, ok := arnFormats[res.Type]; ok && attribute == "Arn" {
		return fmt.Sprintf(format, name), nil
	}
	if res.Type == "AWS::OpenSearchService::Domain" && attribute == "DomainEndpoint" {
		return "search-" + name + "." + Region + ".es.amazonaws.com", nil
	}
	if given, ok := idAttributes[res.Type]; ok && attribute == given {
		return name, nil // nothing is reached by it here, so the name does
	}
	return nil, fmt.Errorf("resolving Fn::GetAtt: %s of %s (%s) is not modelled", attribute, id, res.Type)
}

var variable = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

func (r *resolver) substituteNames(argument any) (any, error) {
	text, own := "", map[string]any{}
	switch a := argument.(type) {
	case string:
		text = a
	case []any:
		if len(a) == 2 {
			text, _ = a[0].(string)
			own, _ = a[1].(map[string]any)
		}
	}
	var failed error
	out := variable.ReplaceAllStringFunc(text, func(match string) string {
		name := match[2 : len(match)-1]
		var v any
		var err error
		if given, ok := own[name]; ok {
			v, err = r.resolveValue(given)
		} else if id, attribute, isAttribute := strings.Cut(name, "."); isAttribute {
			v, err = r.resolveAttribute(id, attribute)
		} else {
			v, err = r.resolveRef(name)
		}
		s, ok := v.(string)
		if err == nil && !ok {
			err = fmt.Errorf("resolving Fn::Sub: %s is no string", match)
		}
		if failed == nil {
			failed = err
		}
		return s
	})
	return strings.ReplaceAll(out, "${!", "${"), failed
}
