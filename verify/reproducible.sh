#!/usr/bin/env bash
# Synthesises the stack twice, in two folders: as it stands, and under another patch release of Go with GOARCH, GOFLAGS and
# umask of another machine. Templates and asset hashes must be identical.
set -euo pipefail
cd "$(dirname "$0")/.."

other=${OTHER_GO:-go1.26.5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for copy in one two; do
  mkdir "$work/$copy"
  git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C "$work/$copy"
done

app() { # folder: builds and runs the app there
  (cd "$1" && go build -o .build/firehose-pipeline . && GOARCH=${functions_goarch-} CDK_CONTEXT_JSON='{"environment":"production"}' CDK_OUTDIR=cdk.out .build/firehose-pipeline 2>app.log) || {
    cat "$1/app.log" >&2
    exit 1
  }
}

app "$work/one"
if ! version=$(GOTOOLCHAIN=$other go version 2>&1); then
  echo "reproducible: $other cannot be had here, so that the comparison with another Go release did not run: $version" >&2
  exit 1
fi
(
  export GOTOOLCHAIN=$other functions_goarch=arm64
  umask 077
  app "$work/two"
)
echo "one: $(go version); two: $version, GOARCH=arm64, umask 077"
for file in template.json assets.json; do
  cmp "$work"/one/cdk.out/*."$file" "$work"/two/cdk.out/*."$file"
done
echo "reproducible: templates and asset hashes are identical"
