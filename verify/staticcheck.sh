#!/usr/bin/env bash
# staticcheck over all packages, also those with build tags. Its version is pinned in verify/tools/go.mod, a module of its
# own, so that the project's go.mod has nothing of it.
set -euo pipefail
cd "$(dirname "$0")/.."
go -C verify/tools build -o "$PWD/.build/staticcheck" honnef.co/go/tools/cmd/staticcheck
.build/staticcheck -version
.build/staticcheck -tags opensearch,verify ./...
