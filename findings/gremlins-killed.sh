#!/usr/bin/env bash
# gremlins 0.6.0 counts mutants as killed that no test has noticed. With --test-cpu it passes "-cpu 1" to `go test` as one
# argument: the test binary rejects it, and the failure counts as the test's, so that a test without any assertion has an
# efficacy of 100 %. And a mutant that does not compile counts as killed, not as not viable: for that gremlins waits for
# the exit code 2, and `go test` exits with 1 then, too. Needs Go 1.24 or later.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOBIN=$work/bin GOFLAGS='' GOWORK=off
go install github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
mkdir "$work/shop"
cd "$work/shop"
printf 'module example.com/shop\n\ngo 1.24\n' >go.mod
cat >shop.go <<'GO'
package shop

func IsLarge(amount int) bool { return amount > 100 }

func Greet(name string) string { return "Hello " + name }
GO
cat >shop_test.go <<'GO'
package shop

import "testing"

func TestNothing(t *testing.T) {
	IsLarge(1)
	Greet("Ann")
}
GO
go test ./...
measure() { # arguments; prints the lines of the mutants
  "$work/bin/gremlins" unleash --workers 1 --timeout-coefficient 60 "$@" . >"$work/report"
  sed -n 's/^ *\([A-Z ]*\) \([A-Z_]*\) at \(shop.go:[0-9]*\):.*/\3 \2: \1/p' "$work/report" | LC_ALL=C sort
}
echo "The test asserts nothing, so that no mutant can be killed, and - between texts does not compile:"
plain=$(measure)
echo "$plain"
echo "With --test-cpu 1:"
one=$(measure --test-cpu 1)
echo "$one"
[[ $plain == *'shop.go:3 CONDITIONALS_BOUNDARY: LIVED'* && $plain == *'shop.go:5 ARITHMETIC_BASE: KILLED'* &&
  $one == *'shop.go:3 CONDITIONALS_BOUNDARY: KILLED'* && $one != *LIVED* ]]
