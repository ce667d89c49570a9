#!/usr/bin/env bash
# Everything that `make verify` checks beyond `make test`, one step after the other, each with its time.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { # name, command
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  "$@" || {
    echo "verify: $name failed" >&2
    exit 1
  }
  echo "== $name: passed in $((SECONDS - start)) s"
}

race() {
  command -v gcc >/dev/null || { echo "the race detector needs a C compiler (gcc), and there is none" >&2; return 1; }
  CGO_ENABLED=1 go test -race -p 1 ./deadletter ./functions/errorhandler ./event ./internal/jsonscan ./producer ./replay ./functions/searchrelay ./functions/searchsetup ./functions/transform ./local/... ./cmd/pipeline
}

# The real binary: its peak memory, and 20 kills. -v prints the figures.
errorhandler() {
  go test -tags verify -count=1 -v -run '^(TestLargeErrorObjects|TestKilledErrorHandler|TestErrorHandlerStopsInTime)$' ./functions
}

step "tests with the race detector" race
step "error objects of 128 MB and 1 GB, and a handler killed 20 times" errorhandler
step "templates against CloudFormation's schemas" verify/templates.sh
step "AWS CLI, boto3 and their errors against the local model" .build/venv/bin/python verify/clients.py
step "the lake read by pyarrow and DuckDB" .build/venv/bin/python verify/parquet.py
step "the lake read as docs/use.md shows: DuckDB, pandas, pyarrow, Polars, Spark, Trino" .build/venv/bin/python verify/lake.py readers trino
if [[ -z ${OPENSEARCH_HOME:-} ]]; then
  echo "== without OPENSEARCH_HOME, retention is not tested on a real OpenSearch: see docs/local.md"
fi
step "search on a real OpenSearch" go test -tags opensearch -count=1 -timeout 30m ./verify/search
step "no record lost, with each fault and with all" verify/faults.sh
step "one event's journey" .build/venv/bin/python verify/journey.py
step "the documented sending examples as printed" .build/venv/bin/python verify/readme.py
step "same template on another machine" verify/reproducible.sh
step "builds amid foreign settings of Go" verify/hostbuild.sh
step "the recipes of CONTRIBUTING.md" .build/venv/bin/python verify/recipes.py
