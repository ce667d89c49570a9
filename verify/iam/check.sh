#!/usr/bin/env bash
# IAM: an independent evaluator reads the policies of a template for each ingestion. Every call that the functions send in their tests is
# allowed, and what an attacker with a role would want is denied. It installs its package into .build/iam, as
# package-lock.json pins it.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p .build/iam
if ! cmp -s verify/iam/package-lock.json .build/iam/installed.json; then
  cp verify/iam/package.json verify/iam/package-lock.json .build/iam/
  npm ci --prefix .build/iam --no-fund --no-audit --ignore-scripts --silent
  cp verify/iam/package-lock.json .build/iam/installed.json
fi
rm -f .build/iam/calls.ndjson
RECORD_CALLS=$PWD/.build/iam/calls.ndjson go test -vet=off -count=1 -short ./functions/searchsetup ./functions/searchrelay/... \
  ./functions/transform/bootstrap ./functions/errorhandler/bootstrap
go test ./constructs -vet=off -count=1 -v -run '^TestWriteIAMTemplates$' -args -iam-templates "$PWD/.build/iam/templates" \
  >.build/iam/template.log 2>&1 && ! grep -- '--- SKIP' .build/iam/template.log || {
  cat .build/iam/template.log >&2
  exit 1
}
IAM_MODULES=$PWD/.build/iam node verify/iam/evaluate.mjs .build/iam/calls.ndjson .build/iam/templates/*.json
