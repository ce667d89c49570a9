#!/usr/bin/env bash
# The page of a local run in a real Chromium. It installs its packages into .build/page, as package-lock.json pins them.
set -euo pipefail
cd "$(dirname "$0")/../.."
found=${CHROMIUM:-}
for place in chromium chromium-browser google-chrome; do
  [[ -n $found ]] || found=$(command -v "$place" || true)
done
if [[ -z $found ]]; then
  echo "Chromium is missing: install Debian's package chromium (apt-get install chromium), or set CHROMIUM to its path" >&2
  exit 1
fi
export CHROMIUM=$found
mkdir -p .build/page
if ! cmp -s verify/page/package-lock.json .build/page/installed.json; then
  cp verify/page/package.json verify/page/package-lock.json .build/page/
  npm ci --prefix .build/page --no-fund --no-audit --ignore-scripts --silent
  cp verify/page/package-lock.json .build/page/installed.json
fi
go build -o .build/page/pipeline ./cmd/pipeline
export PIPELINE=$PWD/.build/page/pipeline
exec timeout "${PAGE_TIMEOUT:-1500}" node "verify/page/${1:-test.mjs}" "${@:2}"
