#!/usr/bin/env bash
# Everything that `make verify` checks beyond `make test`, each step with its time. Two lanes run side by side, because the steps wait
# for servers and browsers most of their time; the output of the second one follows when the first one is at its end.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD/verify # modules that the topics share
python=.build/venv/bin/python

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

# The second lane: its process, which is the leader of a group, its name and its output.
beside_pid='' beside_name='' beside_log=''
stop_beside() { # all that it has started, too
  if [[ -n $beside_pid ]]; then
    kill -- "-$beside_pid" 2>/dev/null || true
    echo "== $beside_name: stopped; its output until then:"
    cat "$beside_log"
  fi
  if [[ -n $beside_log ]]; then rm -f "$beside_log"; fi
}
trap stop_beside EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_beside() { # name, command
  beside_name=$1 beside_log=$(mktemp)
  echo "== $1: started"
  shift
  set -m
  ("$@") >"$beside_log" 2>&1 </dev/null &
  set +m
  beside_pid=$!
}

await_beside() { # prints the output, and fails as the command did
  local status=0
  wait "$beside_pid" || status=$?
  beside_pid=''
  cat "$beside_log"
  rm -f "$beside_log"
  if ((status)); then
    echo "verify: $beside_name failed" >&2
    exit 1
  fi
}

# The packages with goroutines, but for the tests of many events: all faults at once run here with a data stream. Of the
# command, the tests that serve, are interrupted or send and replay at once. Of the others, TestReplayInterrupted interrupts
# dozens of replays where TestReplayCtrlC interrupts one; the rest run the same code one after the other.
race() {
  command -v gcc >/dev/null || { echo "the race detector needs a C compiler (gcc), and there is none" >&2; return 1; }
  local -x CGO_ENABLED=1
  go test -vet=off -timeout 20m -race -short -p 1 -skip '^TestFaults$/^together|^TestCheckOfMany$|^TestStoresTakeWhatTheTransformWrites$' ./functions/errorhandler ./functions/transform ./producer ./replay ./trace ./internal/resultcache ./local/...
  go test -vet=off -timeout 20m -race -short -run '^Test(Script|Serve|ServeHosts|Interrupt|ReplayCtrlC|ReplayCanary|Send|SendSurvey|HostileServers|CostIsInterruptedWhileItReads)$' ./cmd/pipeline
}

# Each call moves the stack, and the runtime takes freed memory away from the process: a pointer to where a stack was is
# a fault at once. Go's race detector and its checkptr do not see one.
moving_stacks() {
  go test -vet=off -count=1 -exec 'env GODEBUG=efence=1' \
    -gcflags='firehose-pipeline/...=-d=maymorestack=runtime.mayMoreStackMove' ./local/journey ./local/page
}

# The real binary: its peak memory, and 20 kills. -v prints the figures.
errorhandler() {
  go test -vet=off -tags verify -count=1 -v -run '^(TestLargeErrorObjects|TestKilledErrorHandler|TestErrorHandlerStopsInTime)$' ./functions/errorhandler/bootstrap
}

opensearch() {
  if [[ -z ${OPENSEARCH_HOME:-} ]]; then
    echo "== without OPENSEARCH_HOME, retention is not tested on a real OpenSearch: see docs/local.md"
  fi
  step "search on a real OpenSearch" go test -vet=off -tags opensearch -count=1 -timeout 30m ./verify/search
  step "mappings of event schemas on a real OpenSearch" go test -vet=off -tags opensearch -count=1 -timeout 10m -run OnOpenSearch ./schema
}

# The templates that TestSecurityRulesOfCdkNag has, too. -v prints the figures.
checkov() {
  go test -vet=off -tags verify -count=1 -v -run '^TestSecurityRulesOfCheckov$' ./constructs
}

# The lane of servers, browsers, readers of the lake and the race detector.
second_lane() {
  step "the page in a real Chromium" verify/page/check.sh
  step "tests with the race detector" race
  opensearch
  step "the lake read as docs/use.md shows: DuckDB, pandas, pyarrow, Polars, Spark, Trino; the saved queries; lakes of the sample schemas" "$python" verify/lake/read.py readers trino
  step "one event's journey" "$python" verify/clients/journey.py
}

start_beside "the second lane" second_lane
step "staticcheck" verify/staticcheck.sh
step "error objects of 128 MB and 1 GB, and a handler killed 20 times" errorhandler
step "stacks that move at each call" moving_stacks
step "templates against CloudFormation's schemas and the Guard rules" verify/templates.sh
step "templates against Checkov's rules" checkov
step "templates in every region" "$python" verify/regions.py .build/templates
step "IAM: each call allowed, attacks denied, by an independent evaluator" verify/iam/check.sh
step "AWS CLI, boto3 and their errors against the local model" "$python" verify/clients/aws.py
step "10,000 events through a data stream, by three clients" "$python" verify/clients/datastream.py
step "the front door's mapping templates on Apache Velocity" go run ./verify/velocity
step "10,000 events through each front door, by four clients" "$python" verify/clients/frontdoor.py
step "personal data while everything fails" go test -vet=off -tags verify -count=1 -timeout 20m -v -run '^TestPersonalData$' ./cmd/pipeline
step "the lake read by pyarrow and DuckDB" "$python" verify/lake/parquet.py
step "no record lost, with each fault and with all" go run ./verify/faults -together 40000
step "simulated runs" go test -vet=off -count=1 -timeout 60m -run '^TestSimulate$' ./simulation -args -seeds "${SIMULATE_SEEDS:-5000}"
step "the documented sending examples as printed" "$python" verify/readme.py
step "the shell blocks of the pages, each as its entry in verify/docs/plan.py says" "$python" verify/docs/check.py
step "same template on another machine" "$python" verify/template/reproducible.py
step "builds amid foreign settings of Go" "$python" verify/template/hostbuild.py
step "the recipes of CONTRIBUTING.md" "$python" verify/recipes.py
await_beside
