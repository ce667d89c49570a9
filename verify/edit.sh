#!/usr/bin/env bash
# Makes, in a copy, the edits that the README shows, with the README's own code: a field, an enrichment with its test case,
# and settings. No other file is edited; the tests must pass, and the table, the search mapping, the transform and the
# template must have what was added.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C "$work"
cd "$work"

node - <<'EOF'
const fs = require("fs");
const fail = (problem) => { console.error("edit: " + problem); process.exit(1); };
const page = fs.readFileSync("README.md", "utf8");

// blocks returns the code blocks of one language in a section.
function blocks(section, language, count) {
  const text = page.split("\n## ").find((s) => s.startsWith(section + "\n")) ?? fail(`README.md has no section ${section}`);
  const found = [...text.matchAll(/^```(\w+)\n([^]*?)\n```$/gm)].filter((m) => m[1] === language).map((m) => m[2]);
  if (found.length !== count) fail(`README.md: ${section} has ${found.length} blocks of ${language}, want ${count}`);
  return found;
}

// insert puts code at the end of the list that opens with start and closes with end.
function insert(file, start, end, code) {
  const text = fs.readFileSync(file, "utf8");
  const at = text.indexOf(end, text.indexOf(start));
  if (!text.includes(start) || at < 0) fail(`${file}: has no list ${start} … ${end}`);
  const indent = "\n" + end.match(/^\n(\t*)/)[1] + "\t";
  fs.writeFileSync(file, text.slice(0, at) + indent + code.replaceAll("\n", indent) + text.slice(at));
}

const [field, rule, variable, func, testCase] = blocks("Change the fields and rules", "go", 5);
insert("event/schema.go", "\nvar Fields = ", "\n}\n", field);
insert("event/rules.go", "\nvar Rules = ", "\n}\n", rule);
insert("event/rules.go", "\nvar (\n", "\n)\n", variable);
fs.appendFileSync("event/rules.go", "\n" + func + "\n");
insert("event/traps_test.go", "\nfunc TestRules(", "\n\t} {\n", testCase);

const cdk = JSON.parse(fs.readFileSync("cdk.json", "utf8"));
cdk.context = JSON.parse(blocks("Settings", "json", 1)[0]).context;
fs.writeFileSync("cdk.json", JSON.stringify(cdk));
// As the CDK's command line hands it over with -c environment=production.
fs.writeFileSync("context.json", JSON.stringify({ ...cdk.context, environment: "production" }));
EOF
badly=$(gofmt -l event)
[[ -z $badly ]] || { echo "edit: the README's code is not formatted: $badly" >&2; exit 1; }
echo "edited: the README's code fits and is formatted"

quietly() { # command: shows its output only when it fails
  "$@" >log 2>&1 || { cat log >&2; echo "edit: $* failed" >&2; exit 1; }
}

quietly go vet ./event ./functions/transform
quietly go test ./event ./internal/jsonscan ./deadletter ./errorobject ./functions/...
echo "tests: pass; no more than the README's case was added to them"

cat >functions/transform/bootstrap/edit_test.go <<'EOF'
package main_test

import (
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/functiontest"
)

func TestEdit(t *testing.T) {
	answer := functiontest.StartTransform(t, "lake").Transform([]byte(`{"brand":"acme","currency":978}`))[0]
	if answer.Data == nil || !strings.HasPrefix(*answer.Data, `{"brand":"acme","currency":"978","processed_timestamp":`) ||
		!strings.HasSuffix(*answer.Data, `,"branded":true}`+"\n") {
		data := "no data"
		if answer.Data != nil {
			data = *answer.Data
		}
		t.Errorf("got %s, %s", answer.Result, data)
	}
}
EOF
quietly go test -run '^TestEdit$' -v ./functions/transform/bootstrap
grep -q -- '^--- PASS: TestEdit ' log || { cat log >&2; exit 1; }
echo "transform: its binary conforms currency to a string and adds branded"

quietly go build -o .build/firehose-pipeline .
CDK_CONTEXT_JSON=$(<context.json) CDK_OUTDIR=cdk.out quietly .build/firehose-pipeline
node - <<'EOF'
const fs = require("fs");
const { isDeepStrictEqual } = require("util");
const template = JSON.parse(fs.readFileSync("cdk.out/shop-production.template.json", "utf8")); // named by resourcePrefix and environment
const all = (type) => Object.values(template.Resources).filter((r) => r.Type === type).map((r) => r.Properties);
const check = (what, got, want) => {
  if (!isDeepStrictEqual(got, want)) {
    console.error(`edit: ${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
    process.exit(1);
  }
};

const columns = all("AWS::Glue::Table")[0].TableInput.StorageDescriptor.Columns;
const column = (name) => columns.filter((c) => c.Name === name);
check("column currency", column("currency"), [{ Name: "currency", Type: "string", Comment: "ISO 4217 code" }]);
check("column branded", column("branded"), [{ Name: "branded", Type: "boolean", Comment: "Whether the event names a brand" }]);
console.log("lake: the Glue table has the columns currency and branded");

const [, parts] = all("Custom::SearchSetup")[0].State["Fn::Join"];
const state = JSON.parse(parts.map((part) => (typeof part === "string" ? part : "token")).join(""));
check("mapping of currency", state.properties.currency?.type, "keyword");
check("mapping of branded", state.properties.branded?.type, "boolean");
console.log("search: the mapping has currency and branded");

check("data nodes", all("AWS::OpenSearchService::Domain")[0].ClusterConfig.InstanceCount, 6);
check("subscriptions of the alarm topic", all("AWS::SNS::Subscription").map((s) => s.Endpoint), ["oncall@example.com"]);
check("readers", state.readerRoleArns, ["arn:aws:iam::111122223333:role/Analyst"]);
console.log("settings: the stack shop-production has the README's settings");
EOF
