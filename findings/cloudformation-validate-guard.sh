#!/usr/bin/env bash
# @aws/cloudformation-validate 1.9.0-beta, the validator that the AWS CDK 2.270 runs at each synthesis: a Guard rule with
# <= passes a template that breaks it and fails one that follows it, and a condition on a property ends the validation with
# an error of the translated rule. Guard itself (cfn-guard 3.1.1) does as documented. Needs Node.js 20 or later and npm, on
# Linux with x86-64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-fund --no-audit --legacy-peer-deps @aws/cloudformation-validate@1.9.0-beta @cdklabs/cdk-validator-cfnguard@0.0.62
for delay in 2 5; do
  echo '{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": '$delay', "QueueName": "orders"}}}}' >delay-$delay.json
done
cat >less.guard <<'EOF'
let queues = Resources.*[ Type == 'AWS::SQS::Queue' ]
rule SHORT_DELAY when %queues !empty {
  %queues.Properties.DelaySeconds <= 3 << 3 seconds at most >>
}
EOF
cat >when.guard <<'EOF'
rule SHORT_DELAY {
  Resources.*[ Type == 'AWS::SQS::Queue' ].Properties {
    when QueueName exists { DelaySeconds <= 3 << 3 seconds at most >> }
  }
}
EOF
cat >validate.js <<'EOF'
const { RegoEngine, RuleFile, TemplateFile } = require("@aws/cloudformation-validate");
try {
  const engine = new RegoEngine({ guardRules: [new RuleFile(process.argv[2])] });
  const report = engine.validateStandard(new TemplateFile(process.argv[3]), { disableBuiltinRules: true });
  console.log(`${report.diagnostics.length} findings`);
} catch (error) {
  console.log("error:", String(error).split("\n")[0]);
}
EOF
changed=0
guard=node_modules/@cdklabs/cdk-validator-cfnguard/bin/ubuntu/x86_64/cfn-guard
for rule in less when; do
  for delay in 2 5; do
    status=0
    $guard validate --rules $rule.guard --data delay-$delay.json >/dev/null || status=$?
    answer=$(node validate.js $rule.guard delay-$delay.json)
    echo "$rule.guard, delay of $delay s: cfn-guard ends with status $status (19: broken); cloudformation-validate: $answer"
    [[ $status == $((delay == 5 ? 19 : 0)) ]] || changed=1
    case $rule:$delay:$answer in less:2:"1 findings" | less:5:"0 findings" | when:*:"error: Guard rule package"*) ;; *) changed=1 ;; esac
  done
done
exit $changed
