#!/usr/bin/env bash
# Builds and runs a copy of the project where the surroundings speak against it: below a folder with a go.work, in a repository of
# another owner, with Go's settings for another machine in the environment and written down by `go env -w`.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
copy="$work/other's clone"
mkdir "$copy"
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
  xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C "$copy"
printf 'go 1.26.0\n' >"$work/go.work"
cd "$copy"
git init -q
git add -A
git -c user.name=check -c user.email=check@example.com commit -q -m copy
if [ "$(id -u)" = 0 ]; then
  chown -R nobody "$copy"
else
  echo "hostbuild: only root can give the copy to another owner: that was not checked"
fi
cp "$(go env GOENV)" "$work/goenv" 2>/dev/null || true
printf 'GOARCH=s390x\n' >>"$work/goenv"
export GOCACHE GOMODCACHE GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GOENV="$work/goenv"
GOCACHE=$(go env GOCACHE)
GOMODCACHE=$(go env GOMODCACHE)
unset GOWORK
export GOOS=plan9 GOARCH=mips GOFLAGS=-mod=vendor

if go build -o "$work/plain" ./cmd/pipeline 2>/dev/null; then
  echo "hostbuild: go build must fail here, or this checks nothing" >&2
  exit 1
fi
make local >"$work/said" 2>&1 || { tail -n 30 "$work/said" >&2; exit 1; }
grep -q '^check: .* each one where it had to end, once$' "$work/said" || { tail -n 30 "$work/said" >&2; exit 1; }
echo "make local, and the app of cdk.json in it: built and ran"
make test PACKAGES='./event ./internal/functionbuild' >"$work/said" 2>&1 || { tail -n 30 "$work/said" >&2; exit 1; }
sh internal/functionbuild/hostenv.sh go test ./docs -run TestFolders >"$work/said" 2>&1 || { tail -n 30 "$work/said" >&2; exit 1; }
echo "make test: formatting, vet and tests ran"
