#!/usr/bin/env bash
# Synthesises the stack for every environment, with the real command line of the CDK, and for every value of the settings that
# change the resources, every instance family, the volumes on both sides of each step of gp3's minima and every file of examples, in one
# process; and each sample of event schemas; and two files of examples, copied over the cdk.json of a copy of the project. Checks each template against CloudFormation's own
# schemas (cfn-lint; those that have every distinct resource), with the CDK's validator and with the rules of rules/firehose.guard, which must find nothing, in one process for all. Then checks that
# constructs/testdata/create-only.json agrees with these schemas.
set -euo pipefail
cd "$(dirname "$0")/.."

out=.build/templates
rm -rf "$out"
mkdir -p "$out"
export CDK_VALIDATION=false # each template is validated below

synth() { # name, then -c options
  local name=$1
  shift
  npx --no-install cdk synth --quiet --output "$out/$name" "$@" 2>"$out/$name.log" || {
    cat "$out/$name.log" >&2
    echo "templates: cdk synth failed for $name" >&2
    exit 1
  }
  echo "synthesised $name"
}

for environment in dev staging production; do synth "$environment" -c environment="$environment"; done
synth smallest -c enableOpenSearch=false -c enableDataTransformation=false -c enableSourceBackup=false -c dataFormat=json -c enableCompression=false
synth largest -c environment=production -c openSearchInstanceType=r6g.xlarge.search -c openSearchInstanceCount=6 \
  -c alarmEmail=oncall@example.com -c openSearchAdminRoleArns=arn:aws:iam::111122223333:role/Admin \
  -c openSearchReaderRoleArns=arn:aws:iam::111122223333:role/Analyst -c transformReservedConcurrency=50 -c expireAfterDays=400
synth vpc-existing -c openSearchInstanceCount=2 -c openSearchZoneCount=2 \
  -c vpc='{"id":"vpc-0123456789abcdef0","subnets":["subnet-0123456789abcdef0","subnet-0123456789abcdef1"],"zones":["eu-west-1a","eu-west-1b"]}'
for sample in web-analytics sensor audit-log; do
  synth "sample-$sample" -c eventSchema="testdata/samples/$sample/event-schema.json"
done
synth sample-sensor-json -c eventSchema=testdata/samples/sensor/event-schema.json -c dataFormat=json -c environment=production
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C "$copy"
ln -s "$PWD/node_modules" "$copy/node_modules"
for example in examples/kinesis.json examples/production.json; do
  cp "$example" "$copy/cdk.json"
  name=example-$(basename "$example" .json)
  (cd "$copy" && npx --no-install cdk synth --quiet --output "$OLDPWD/$out/$name") 2>"$out/$name.log" || {
    cat "$out/$name.log" >&2
    echo "templates: cdk synth failed for $example" >&2
    exit 1
  }
  echo "synthesised $example"
done
go test ./constructs -vet=off -count 1 -timeout 30m -v -run '^(TestWriteTemplates|TestTemplatesAreValid|TestTemplatesFollowTheRules)$' -args -templates "$PWD/$out/variants" \
  -validate "$PWD/$out" >"$out/variants.log" 2>&1 && ! grep -- '--- SKIP' "$out/variants.log" || {
  cat "$out/variants.log" >&2
  exit 1
}

templates=("$out"/*/*.template.json)
# LINT=all lints every template.
linted=("${templates[@]}")
if [[ ${LINT:-} != all ]]; then
  rm -rf .build/linted
  mapfile -t linted < <(.build/venv/bin/python verify/template/cover.py .build/linted "${templates[@]}")
  ((${#linted[@]} > 0))
fi
# Two at a time: cfn-lint uses one core.
printf '%s\0' "${linted[@]}" | xargs -0 -P 2 -n $(((${#linted[@]} + 1) / 2)) \
  .build/venv/bin/cfn-lint --config-file verify/cfnlint.yaml --include-checks I W E --
echo "CDK's validator: ${#templates[@]} templates, no finding"
grep -o 'cfn-guard [0-9].*' "$out/variants.log"
echo "cfn-lint: ${#linted[@]} templates and parts of templates, which have every distinct resource of all ${#templates[@]}, no finding outside verify/cfnlint.yaml"

mapfile -t types < <(node -e '
  const types = new Set();
  for (const f of process.argv.slice(1))
    for (const r of Object.values(JSON.parse(require("fs").readFileSync(f)).Resources)) if (r.Type.startsWith("AWS::")) types.add(r.Type);
  console.log([...types].sort().join("\n"))' "${templates[@]}")
.build/venv/bin/python verify/createonly.py "${types[@]}" >.build/create-only.json
diff -u constructs/testdata/create-only.json .build/create-only.json
echo "create-only properties: constructs/testdata/create-only.json agrees with the schemas of ${#types[@]} types"
