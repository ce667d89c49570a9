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
  CGO_ENABLED=1 go test -race ./deadletter ./errorhandler ./event ./jsonscan ./searchsetup ./transform ./local/...
}

step "tests with the race detector" race
step "templates against CloudFormation's schemas" verify/templates.sh
step "same template on another machine" verify/reproducible.sh
