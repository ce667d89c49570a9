// Evaluates the policies of a template with @cloud-copilot/iam-simulate: every call of every role is allowed, and what
// an attacker with a role would want is denied. Usage: node evaluate.mjs calls.ndjson template.json ...
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { attacks } from "./attacks.mjs";
import { delivered, frontDoor, logged, recorded } from "./calls.mjs";
import { account, Stack } from "./stack.mjs";

const modules = process.env.IAM_MODULES; // the folder with node_modules
const require = createRequire(join(modules, "package.json"));
const name = "@cloud-copilot/iam-simulate";
const entry = require.resolve(name);
const { runSimulation } = await import(pathToFileURL(entry));
const version = require(join(modules, "node_modules", name, "package.json")).version;

const [callsFile, ...templateFiles] = process.argv.slice(2);
let stack;

// The evaluator rejects actions, resources and keys that AWS does not have. It knows kms:EncryptionContext:KEY only as a
// placeholder and would ignore it: in policies and requests it gets another name, which the evaluator accepts everywhere.
function renameKeys(value) {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.map(renameKeys);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) =>
    [k.startsWith("kms:EncryptionContext:") ? `aws:PrincipalTag/${k.replaceAll(":", "-")}` : k, renameKeys(v)]));
}

async function evaluate(roleId, { action, resource, context }) {
  const simulation = {
    request: {
      principal: stack.arn(roleId),
      action,
      resource: { resource, accountId: account },
      contextVariables: renameKeys({ "aws:SecureTransport": "true", "aws:PrincipalAccount": account, ...context }),
    },
    identityPolicies: renameKeys(stack.policies(roleId)),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: renameKeys(stack.resourcePolicy(resource)),
  };
  const answer = await runSimulation(simulation, {});
  if (answer.resultType === "error") throw new Error(`${action} on ${resource}: ${JSON.stringify(answer.errors)}`);
  if (answer.resultType !== "single") throw new Error(`${action} on ${resource}: want one result`);
  const ignored = answer.result.ignoredContextKeys ?? [];
  if (ignored.length) throw new Error(`${action}: no such condition keys: ${ignored}`);
  return answer.overallResult;
}

let problems = 0;
const fail = (text) => { problems++; console.error(text); };

async function check(templateFile) {
  stack = new Stack(templateFile);
  // The evaluator is not one that answers the same to everything.
  const writer = stack.id("AWS::IAM::Role", "LakeStreamRole");
  const probe = { action: "s3:PutObject", context: {} };
  const bucket = stack.arn(stack.id("AWS::S3::Bucket"));
  if (await evaluate(writer, { ...probe, resource: `${bucket}/transformed-data/x` }) !== "Allowed"
    || await evaluate(writer, { ...probe, resource: `${bucket}/transformed-data/x`, context: { "aws:SecureTransport": "false" } }) !== "ExplicitlyDenied"
    || await evaluate(writer, { ...probe, resource: `${bucket}/elsewhere/x` }) !== "ImplicitlyDenied") fail("the evaluator does not distinguish");

  const roles = Object.keys(stack.resources).filter((id) => stack.resources[id].Type === "AWS::IAM::Role" && !/^(NetworkFlowLog|FrontDoorApiCloudWatch)Role/.test(id)); // these write logs
  const calls = [...recorded(callsFile, stack), ...logged(stack), ...delivered(stack), ...frontDoor(stack)];
  const used = new Map(roles.map((id) => [id, 0]));
  for (const call of calls) {
    const id = roles.find((r) => r.startsWith(call.role));
    if (!id) { fail(`no role ${call.role}`); continue; }
    used.set(id, used.get(id) + 1);
    const result = await evaluate(id, call);
    if (result !== "Allowed") fail(`${id}: ${call.action} on ${call.resource} ${JSON.stringify(call.context)} must be allowed (got ${result})`);
  }
  for (const [id, n] of used) if (n === 0) fail(`${id}: no call of it is known`);

  const wanted = attacks(stack);
  let denied = 0;
  for (const id of roles) {
    let ofRole = 0;
    for (const { wish, action, resource, but } of wanted) {
      const result = await evaluate(id, { action, resource, context: {} });
      if (but.some((prefix) => id.startsWith(prefix))) {
        if (result !== "Allowed") fail(`${id}: ${action} on ${resource} is excepted, and ${result}`);
        continue;
      }
      ofRole++;
      if (result === "Allowed") fail(`${id}: must not ${wish}: ${action} on ${resource} is allowed`);
    }
    if (ofRole < 40) fail(`${id}: only ${ofRole} attacks`);
    denied += ofRole;
  }
  console.log(`${basename(templateFile)}: ${roles.length} roles, ${calls.length} calls allowed, ${denied} attacks (${wanted.length} on each role) denied`);
}

console.log(`${name} ${version}`);
for (const file of templateFiles) await check(file);
if (problems || templateFiles.length === 0) process.exit(1);
