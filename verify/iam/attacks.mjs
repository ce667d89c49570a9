// What an attacker who has a role of the stack would want: each has to be denied, to every role but those named in
// `but`, whose work it is.
import { account, region } from "./stack.mjs";

export function attacks(stack) {
  const bucket = stack.arn(stack.id("AWS::S3::Bucket"));
  const key = stack.arn(stack.id("AWS::KMS::Key"));
  const queue = stack.arn(stack.id("AWS::SQS::Queue", "DeadLetters"));
  const domain = stack.arn(stack.id("AWS::OpenSearchService::Domain"));
  const secret = stack.arn(stack.id("AWS::SecretsManager::Secret"));
  const transform = stack.arn(stack.id("AWS::Lambda::Function", "LakeTransform"));
  const stream = stack.arn(stack.id("AWS::KinesisFirehose::DeliveryStream", "LakeStream"));
  const topic = stack.arn(stack.id("AWS::SNS::Topic", "AlarmTopic"));
  const setup = stack.arn(stack.id("AWS::IAM::Role", "SearchSetupRole"));
  const table = `arn:aws:glue:${region}:${account}:table/x/events`;
  const group = `arn:aws:logs:${region}:${account}:log-group:/aws/lambda/x`;
  const alarm = `arn:aws:cloudwatch:${region}:${account}:alarm:kinesis-firehose-pipeline-production-dead-letters`;
  const list = [
    ["delete events of the lake", "s3:DeleteObject", `${bucket}/transformed-data/year=2026/x.parquet`],
    ["delete versions of events", "s3:DeleteObjectVersion", `${bucket}/transformed-data/year=2026/x.parquet`],
    ["read what Firehose has not yet transformed elsewhere", "s3:GetObject", "arn:aws:s3:::another-bucket/secret"],
    ["write to a bucket of their own", "s3:PutObject", "arn:aws:s3:::another-bucket/copy"],
    ["write beside the prefixes", "s3:PutObject", `${bucket}/query-results/x`],
    ["open the bucket", "s3:PutBucketPolicy", bucket],
    ["remove the bucket's policy", "s3:DeleteBucketPolicy", bucket],
    ["let events expire", "s3:PutLifecycleConfiguration", bucket],
    ["lift the block of public access", "s3:PutBucketPublicAccessBlock", bucket],
    ["silence notifications of failures", "s3:PutBucketNotification", bucket],
    ["list all buckets", "s3:ListAllMyBuckets", "*"],
    ["delete the key", "kms:ScheduleKeyDeletion", key],
    ["disable the key", "kms:DisableKey", key],
    ["change the key's policy", "kms:PutKeyPolicy", key],
    ["give the key away", "kms:CreateGrant", key],
    ["decrypt by hand", "kms:Decrypt", key],
    ["read dead letters", "sqs:ReceiveMessage", queue],
    ["delete dead letters", "sqs:DeleteMessage", queue],
    ["purge the queue", "sqs:PurgeQueue", queue],
    ["open the queue", "sqs:SetQueueAttributes", queue],
    ["pass a role", "iam:PassRole", setup],
    ["widen their role", "iam:PutRolePolicy", setup],
    ["attach a policy", "iam:AttachRolePolicy", setup],
    ["become the master of the domain", "sts:AssumeRole", setup],
    ["make a user", "iam:CreateUser", `arn:aws:iam::${account}:user/x`],
    ["replace a function", "lambda:UpdateFunctionCode", transform],
    ["change a function", "lambda:UpdateFunctionConfiguration", transform],
    ["let others call a function", "lambda:AddPermission", transform],
    ["delete a stream", "firehose:DeleteDeliveryStream", stream],
    ["redirect a stream", "firehose:UpdateDestination", stream],
    ["forge events", "firehose:PutRecord", stream],
    ["delete the domain", "es:DeleteDomain", domain],
    ["open the domain", "es:UpdateDomainConfig", domain],
    ["map themselves to all_access", "es:ESHttpPatch", `${domain}/_plugins/_security/api/rolesmapping/all_access`, ["SearchSetupRole"]],
    ["make a role of the domain", "es:ESHttpPut", `${domain}/_plugins/_security/api/roles/attacker`, ["SearchSetupRole"]],
    ["make a user of the domain", "es:ESHttpPut", `${domain}/_plugins/_security/api/internalusers/attacker`],
    ["change the domain's security", "es:ESHttpPatch", `${domain}/_plugins/_security/api/securityconfig`],
    ["read the domain's users", "es:ESHttpGet", `${domain}/_plugins/_security/api/internalusers`],
    ["delete an index", "es:ESHttpDelete", `${domain}/realtime-events-2026-01-01`],
    ["read events by search", "es:ESHttpGet", `${domain}/realtime-events-2026-01-01/_search`],
    ["search the security index", "es:ESHttpPost", `${domain}/.opendistro_security/_search`],
    ["copy indices away by a snapshot", "es:ESHttpPut", `${domain}/_snapshot/attacker`],
    ["change settings of the cluster", "es:ESHttpPut", `${domain}/_cluster/settings`],
    ["change the schema", "glue:UpdateTable", table],
    ["delete the table", "glue:DeleteTable", table],
    ["delete logs", "logs:DeleteLogGroup", group],
    ["silence an alarm", "cloudwatch:DisableAlarmActions", alarm],
    ["delete alarms", "cloudwatch:DeleteAlarms", alarm],
    ["read alarms by e-mail", "sns:Subscribe", topic],
    ["read another secret", "secretsmanager:GetSecretValue", `arn:aws:secretsmanager:${region}:${account}:secret:other-AbCdEf`],
    ["replace the hash key", "secretsmanager:PutSecretValue", secret],
    ["change the stack", "cloudformation:UpdateStack", `arn:aws:cloudformation:${region}:${account}:stack/x/1`],
    ["open the network", "ec2:AuthorizeSecurityGroupIngress", `arn:aws:ec2:${region}:${account}:security-group/sg-1`],
    ["query the lake", "athena:StartQueryExecution", `arn:aws:athena:${region}:${account}:workgroup/x`],
  ];
  for (const id of Object.keys(stack.resources).filter((id) => stack.resources[id].Type === "AWS::Kinesis::Stream")) {
    list.push(["forge events in the data stream", "kinesis:PutRecord", stack.arn(id)],
      ["delete the data stream", "kinesis:DeleteStream", stack.arn(id)],
      ["shorten what the data stream keeps", "kinesis:DecreaseStreamRetentionPeriod", stack.arn(id)]);
  }
  return list.map(([wish, action, resource, but = []]) => ({ wish, action, resource, but }));
}
