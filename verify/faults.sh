#!/usr/bin/env bash
# Conservation: sends events through the local model with each fault in turn, then with all together. Every record put must be in its
# store, dropped by rule or in the dead-letter queue, but for what AWS itself declares as lost, and whatever is there twice must be
# told by its id. A fault that does not come about fails the run too. Prints the figures as the rows of docs/reliability.md.
# EACH: events with each fault alone (default 4000), TOGETHER: with all (default 100000, 0 for none), RATE: events a second of the
# model (default 200), SHARE: of the transform's invocations that fail (default 0.8: some fail for good, of few too), OUT: folder for the reports (default none is kept).
set -euo pipefail
cd "$(dirname "$0")/.."

each=${EACH:-4000} together=${TOGETHER:-100000} rate=${RATE:-200} share=${SHARE:-0.8}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
reports=${OUT:-$work/reports}
mkdir -p "$reports"

go build -o .build/pipeline ./cmd/pipeline
npx --no-install cdk synth --quiet --output "$work/stack" -c environment=dev 2>"$work/log" >&2 || { cat "$work/log" >&2; exit 1; }
template=$(echo "$work"/stack/*.template.json)

events() { awk -v events="$1" -f verify/events.awk testdata/store-events.ndjson; }

row() { # events, fault
  local report="$reports/${2//[:.]/-}.json"
  events "$1" | .build/pipeline local --template "$template" --events - --out "$work/out" --rate "$rate" --check --format json --fault "$2" \
    >"$report" 2>"$work/log" || { tail -n 30 "$work/log" >&2; echo "faults: --fault $2 failed" >&2; exit 1; }
  node verify/faults.js "$2" "$report"
}

echo "| Fault | Events | Came about | Lake: delivered, dropped, failed | Search: delivered, dropped, failed | Messages in the queue | Duplicates: letters, documents with a letter, overwritten | Declared losses | Missing |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
# Shares high enough that some batches fail for good, and both sides of every time limit.
for fault in transform-crash:$share transform-hang:$share transform-timeout:$share transform-error:$share transform-oversize:$share \
  transform-missing:0.5 transform-doubled:0.5 s3-down s3-down:25h search-down search-403 search-429:0.5 search-429-documents search-lost:0.5 search-lost:1 \
  sqs-partial:0.05 sqs-throttled:0.05 handler-killed:0.01 handler-timeout:0.5 handler-timeout:1 notifications-doubled:0.5 notifications-late:0.5; do
  row "$each" "$fault"
done
((together == 0)) || row "$together" all
