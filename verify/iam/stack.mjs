// Reads a template as the evaluator needs it: references become ARNs of one account and region.
import { readFileSync } from "node:fs";

export const account = "111122223333";
export const region = "eu-west-1";

const pseudo = { "AWS::Partition": "aws", "AWS::Region": region, "AWS::AccountId": account, "AWS::URLSuffix": "amazonaws.com" };

// ARNs by resource type; %s is the name of the resource, or its logical id.
const arns = {
  "AWS::S3::Bucket": ["arn:aws:s3:::%s", "BucketName"],
  "AWS::Kinesis::Stream": [`arn:aws:kinesis:${region}:${account}:stream/%s`, "Name"],
  "AWS::SQS::Queue": [`arn:aws:sqs:${region}:${account}:%s`, "QueueName"],
  "AWS::KMS::Key": [`arn:aws:kms:${region}:${account}:key/%s`],
  "AWS::IAM::Role": [`arn:aws:iam::${account}:role/%s`, "RoleName"],
  "AWS::Logs::LogGroup": [`arn:aws:logs:${region}:${account}:log-group:%s:*`, "LogGroupName"],
  "AWS::KinesisFirehose::DeliveryStream": [`arn:aws:firehose:${region}:${account}:deliverystream/%s`, "DeliveryStreamName"],
  "AWS::Lambda::Function": [`arn:aws:lambda:${region}:${account}:function:%s`, "FunctionName"],
  "AWS::SecretsManager::Secret": [`arn:aws:secretsmanager:${region}:${account}:secret:%s-AbCdEf`],
  "AWS::SNS::Topic": [`arn:aws:sns:${region}:${account}:%s`, "TopicName"],
  "AWS::OpenSearchService::Domain": [`arn:aws:es:${region}:${account}:domain/%s`, "DomainName"],
};

// Types whose Ref is the ARN.
const refIsArn = ["AWS::SNS::Topic", "AWS::SecretsManager::Secret"];

export class Stack {
  constructor(file) {
    this.resources = JSON.parse(readFileSync(file)).Resources;
  }

  // id returns the logical id of the one resource of a type whose logical id begins so.
  id(type, prefix = "") {
    const ids = Object.keys(this.resources).filter((id) => this.resources[id].Type === type && id.startsWith(prefix));
    if (ids.length !== 1) throw new Error(`${type} ${prefix}: want one resource (got ${ids})`);
    return ids[0];
  }

  properties(id) {
    return this.resources[id].Properties;
  }

  arn(id) {
    const { Type, Properties } = this.resources[id];
    if (!arns[Type]) throw new Error(`${id}: no ARN is known for ${Type}`);
    const [form, name] = arns[Type];
    const given = name && Properties?.[name] ? this.resolve(Properties[name]) : id;
    return form.replace("%s", Type === "AWS::S3::Bucket" ? given.toLowerCase() : given);
  }

  // resolve replaces the functions of CloudFormation in a value.
  resolve(value) {
    if (Array.isArray(value)) return value.map((v) => this.resolve(v));
    if (value === null || typeof value !== "object") return value;
    if ("Ref" in value) {
      if (value.Ref in pseudo) return pseudo[value.Ref];
      if (!this.resources[value.Ref]) throw new Error(`no resource ${value.Ref}`);
      return refIsArn.includes(this.resources[value.Ref].Type) ? this.arn(value.Ref) : value.Ref;
    }
    if ("Fn::GetAtt" in value) {
      const [id, attribute] = value["Fn::GetAtt"];
      return attribute === "Arn" ? this.arn(id) : `${id}-${attribute}`;
    }
    if ("Fn::Join" in value) return this.resolve(value["Fn::Join"][1]).join(value["Fn::Join"][0]);
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.resolve(v)]));
  }

  // policies returns the identity policies of a role, also those of separate resources.
  policies(roleId) {
    const inline = this.properties(roleId).Policies ?? [];
    const found = inline.map((p) => ({ name: p.PolicyName, policy: this.resolve(p.PolicyDocument) }));
    for (const [id, r] of Object.entries(this.resources)) {
      if (r.Type === "AWS::IAM::Policy" && r.Properties.Roles?.some((role) => role.Ref === roleId)) {
        found.push({ name: id, policy: this.resolve(r.Properties.PolicyDocument) });
      }
    }
    return found;
  }

  // resourcePolicy returns the policy of the resource that an ARN names, if the template has one.
  resourcePolicy(arn) {
    for (const [id, r] of Object.entries(this.resources)) {
      const p = r.Properties ?? {};
      const of = (reference) => [].concat(reference ?? []).map((v) => this.resolve(v));
      const isOf = (own) => arn === own || arn.startsWith(own + "/");
      if (r.Type === "AWS::S3::BucketPolicy" && isOf(this.arn(p.Bucket.Ref))) return this.resolve(p.PolicyDocument);
      if (r.Type === "AWS::SQS::QueuePolicy" && of(p.Queues).some((q) => isOf(this.resources[q] ? this.arn(q) : q)))
        return this.resolve(p.PolicyDocument);
      if (r.Type === "AWS::SNS::TopicPolicy" && of(p.Topics).some(isOf)) return this.resolve(p.PolicyDocument);
      if (r.Type === "AWS::KMS::Key" && isOf(this.arn(id))) return this.resolve(p.KeyPolicy);
      if (r.Type === "AWS::OpenSearchService::Domain" && isOf(this.arn(id))) return this.resolve(p.AccessPolicies);
    }
    return undefined;
  }
}
