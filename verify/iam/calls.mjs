// Requests as IAM sees them: an action, a resource, and the keys of conditions. One call may need several rights, since
// S3, SQS and Secrets Manager call KMS in the caller's name.
import { readFileSync } from "node:fs";
import { account, region } from "./stack.mjs";

const slr = `arn:aws:iam::${account}:role/aws-service-role/opensearchservice.amazonaws.com/AWSServiceRoleForAmazonOpenSearchService`;

// recorded reads the calls that tests have recorded (internal/testkit/callrecord), each once.
export function recorded(file, stack) {
  const lines = [...new Set(readFileSync(file, "utf8").trim().split("\n"))];
  const requests = lines.flatMap((line) => ofRequest(JSON.parse(line), stack));
  return [...new Map(requests.map((r) => [JSON.stringify(r), r])).values()];
}

function ofRequest(call, stack) {
  const key = stack.arn(stack.id("AWS::KMS::Key"));
  const via = (service, context = {}) => ({ "kms:ViaService": `${service}.${region}.amazonaws.com`, ...context });
  const request = (action, resource, context = {}) => ({ role: call.role, action, resource, context });
  switch (call.service) {
    case "s3": {
      const bucket = stack.arn(stack.id("AWS::S3::Bucket"));
      const object = call.path.split("/").slice(2).join("/");
      if (call.method !== "GET" || !object) throw new Error(`unknown call of S3: ${call.method} ${call.path}`);
      const version = new URLSearchParams(call.query).get("versionId");
      return [request(version ? "s3:GetObjectVersion" : "s3:GetObject", `${bucket}/${object}`),
        request("kms:Decrypt", key, via("s3", { "kms:EncryptionContext:aws:s3:arn": bucket }))];
    }
    case "sqs": {
      if (!/^AmazonSQS.SendMessage(Batch)?$/.test(call.operation)) throw new Error(`unknown call of SQS: ${call.operation}`);
      const queue = stack.arn(stack.id("AWS::SQS::Queue", "DeadLetters"));
      return [request("sqs:SendMessage", queue), request("kms:GenerateDataKey", key, via("sqs")),
        request("kms:Decrypt", key, via("sqs"))];
    }
    case "secretsmanager": {
      if (call.operation !== "secretsmanager.GetSecretValue") throw new Error(`unknown call: ${call.operation}`);
      const secret = stack.arn(stack.id("AWS::SecretsManager::Secret"));
      return ["LakeTransformRole", "SearchTransformRole"].flatMap((role) => [ // one binary for both
        { ...request("secretsmanager:GetSecretValue", secret), role },
        { ...request("kms:Decrypt", key, via("secretsmanager")), role }]);
    }
    case "lambda":
      return [request("lambda:InvokeFunction", stack.arn(stack.id("AWS::Lambda::Function", "SearchSetup")))];
    case "iam":
      if (call.operation === "GetRole") return [request("iam:GetRole", slr)];
      if (call.operation === "CreateServiceLinkedRole")
        return [request("iam:CreateServiceLinkedRole", slr, { "iam:AWSServiceName": "opensearchservice.amazonaws.com" })];
      throw new Error(`unknown call of IAM: ${call.operation}`);
    case "es": {
      const domain = stack.arn(stack.id("AWS::OpenSearchService::Domain"));
      const verb = call.method[0] + call.method.slice(1).toLowerCase();
      // A * of the path is a character of the request, and to the evaluator a pattern.
      return [request(`es:ESHttp${verb}`, domain + call.path.replaceAll("*", "%2A"))];
    }
    default:
      throw new Error(`unknown service ${call.service}`);
  }
}

// frontDoor are the calls of API Gateway: the actions in the template's integrations.
export function frontDoor(stack) {
  return Object.values(stack.resources).filter((r) => r.Type === "AWS::ApiGateway::Method" && r.Properties.Integration?.Credentials)
    .flatMap(({ Properties: { Integration } }) => {
      const role = Integration.Credentials["Fn::GetAtt"][0];
      const [, service, action] = stack.resolve(Integration.Uri).match(/:(kinesis|firehose):action\/(\w+)$/);
      const [type, prefix] = service === "kinesis" ? ["AWS::Kinesis::Stream"] : ["AWS::KinesisFirehose::DeliveryStream", "LakeStream"];
      const target = stack.arn(stack.id(type, prefix));
      const put = { role, action: `${service}:${action}`, resource: target, context: {} };
      return service === "firehose" ? [put] : [put, { role, action: "kms:GenerateDataKey", resource: stack.arn(stack.id("AWS::KMS::Key")),
        context: { "kms:ViaService": `kinesis.${region}.amazonaws.com`, "kms:EncryptionContext:aws:kinesis:arn": target } }];
    });
}

// logged are the calls that Lambda makes for each function's log.
export function logged(stack) {
  return ["ErrorHandler", "LakeTransform", "SearchTransform", "SearchSetup", "SearchRelay"].flatMap((name) => {
    const group = stack.arn(stack.id("AWS::Logs::LogGroup", `${name}LogGroup`)).replace(/:\*$/, "");
    return ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) => ({ role: `${name}Role`, action,
      resource: `${group}:log-stream:2026/01/01/[$LATEST]0`, context: {} }));
  });
}

// delivered are the calls of Firehose that its guide documents, for the prefixes and functions of the template:
// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
export function delivered(stack) {
  const bucket = stack.arn(stack.id("AWS::S3::Bucket"));
  const key = stack.arn(stack.id("AWS::KMS::Key"));
  const context = { "kms:ViaService": `s3.${region}.amazonaws.com`, "kms:EncryptionContext:aws:s3:arn": bucket };
  const domain = stack.arn(stack.id("AWS::OpenSearchService::Domain"));
  const calls = [];
  for (const id of Object.keys(stack.resources)) {
    if (stack.resources[id].Type !== "AWS::KinesisFirehose::DeliveryStream") continue;
    const p = stack.properties(id);
    const destination = p.ExtendedS3DestinationConfiguration ?? p.AmazonopensearchserviceDestinationConfiguration;
    const role = destination.RoleARN["Fn::GetAtt"][0];
    const add = (action, resource, context = {}) => calls.push({ role, action, resource, context });
    for (const s3 of [destination, destination.S3BackupConfiguration, destination.S3Configuration].filter((c) => c?.BucketARN)) {
      for (const prefix of [s3.Prefix, s3.ErrorOutputPrefix]) {
        const object = `${bucket}/${prefix.replaceAll(/!\{firehose:[^}]*\}/g, "processing-failed").replaceAll(/!\{[^}]*\}/g, "2026")}x`;
        for (const action of ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]) add(action, object);
      }
    }
    for (const action of ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]) add(action, bucket);
    add("kms:GenerateDataKey", key, context);
    add("kms:Decrypt", key, context);
    if (p.KinesisStreamSourceConfiguration) {
      const data = stack.arn(stack.id("AWS::Kinesis::Stream"));
      for (const action of ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"]) add(action, data);
      add("kms:Decrypt", key, { "kms:ViaService": `kinesis.${region}.amazonaws.com`, "kms:EncryptionContext:aws:kinesis:arn": data });
    }
    const transform = stack.arn(stack.id("AWS::Lambda::Function", p.ExtendedS3DestinationConfiguration ? "LakeTransform" : "SearchTransform"));
    for (const action of ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"]) add(action, `${transform}:$LATEST`);
    if (p.ExtendedS3DestinationConfiguration) {
      const schema = destination.DataFormatConversionConfiguration.SchemaConfiguration;
      const glue = `arn:aws:glue:${region}:${account}`;
      for (const resource of [`${glue}:catalog`, `${glue}:database/${stack.resolve(schema.DatabaseName)}`,
        `${glue}:table/${stack.resolve(schema.DatabaseName)}/${stack.resolve(schema.TableName)}`]) {
        for (const action of ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]) add(action, resource);
      }
    } else {
      for (const action of ["es:DescribeDomain", "es:DescribeDomainConfig"]) add(action, domain);
      add("es:ESHttpPost", `${domain}/_bulk`);
      const index = stack.resolve(destination.IndexName);
      for (const path of ["_all/_settings", "_cluster/stats", `${index}-2026-01-01/_mapping/_doc`, "_nodes", "_nodes/stats",
        "_nodes/x/stats", "_stats", `${index}-2026-01-01/_stats`]) add("es:ESHttpGet", `${domain}/${path}`);
    }
  }
  return calls;
}
