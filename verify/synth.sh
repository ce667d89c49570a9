#!/usr/bin/env bash
# Measures `cdk synth` repeated without a change against that of an empty CDK app in Go, in turn, and prints the ratio of the
# medians. RUNS: counted runs of each, after one that is not counted (default 5).
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${RUNS:-5}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
empty="go build -o .build/emptyapp ./verify/emptyapp && .build/emptyapp"

synth() { # app or nothing, output folder; prints milliseconds
  local start end
  start=$(date +%s%N)
  npx --no-install cdk synth --quiet --output "$2" ${1:+--app "$1"} >/dev/null 2>"$out/log" || { cat "$out/log" >&2; exit 1; }
  end=$(date +%s%N)
  echo $(((end - start) / 1000000))
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

synth "" "$out/pipeline" >/dev/null
synth "$empty" "$out/empty" >/dev/null
for ((i = 0; i < runs; i++)); do
  synth "" "$out/pipeline" >>"$out/pipeline.ms"
  synth "$empty" "$out/empty" >>"$out/empty.ms"
done
pipeline=$(median <"$out/pipeline.ms")
baseline=$(median <"$out/empty.ms")
echo "cdk synth without a change, median of $runs: pipeline $pipeline ms, empty app $baseline ms, ratio $(awk "BEGIN { printf \"%.2f\", $pipeline / $baseline }")"
