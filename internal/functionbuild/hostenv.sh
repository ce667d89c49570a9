#!/bin/sh
# Runs a command in the environment in which Go builds and tests the project for this machine, whatever the caller's shell, a go.work
# in a folder above, or the owner of a clone say: hostenv.sh COMMAND [ARGUMENT...]. The functions have an environment of their own
# (build.go).
#
# Set, not emptied: an empty variable gives way to what `go env -w` has written down. Without cgo, as the functions are built: what both
# import is compiled once.
set -eu
export GOWORK=off CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false'
GOOS=$(go env GOHOSTOS)
GOARCH=$(go env GOHOSTARCH)
export GOOS GOARCH
exec "$@"
