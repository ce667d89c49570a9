#!/usr/bin/env bash
# Plants each defect of this folder in a copy of the project and reports how many seeds find it, as a table. Fails when
# one is not found. Usage: run.sh [SEEDS [DEFECT...]]; by default 1,000 seeds of all; one that they do not find gets
# 10,000.
set -euo pipefail
cd "$(dirname "$0")/../.."
seeds=${1:-1000}
shift || true
if (($# == 0)); then
  for patch in simulation/defects/*.patch; do set -- "$@" "$(basename "$patch" .patch)"; done
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [[ $file == *.go || $file == *.patch || $file == go.* || $file == *.json || $file == *.tmpl || $file == *.html ]]; then echo "$file"; fi
done | grep -v -e '^verify/' -e '^findings/' | tar -cf - --ignore-failed-read -T - | tar -xf - -C "$copy"

count() { # binary, seeds
  local out="$copy/outcome.json"
  "$1" -test.run '^TestSimulate$' -seeds "$2" -summary "$out" >/dev/null 2>"$copy/errors" || true
  python3 -c '
import json, sys
outcome = json.load(open(sys.argv[1]))
failed = outcome["failed"] or []
rules = sorted({f["violations"][0]["Rule"] for f in failed})
first = failed[0]["seed"] if failed else "none"
print(len(failed), outcome["seeds"], first, ", ".join(rules), sep="|")' "$out"
}

missed=0
printf '| Defect | Found by | First seed | Rules |\n| --- | --- | --- | --- |\n'
for name in "$@"; do
  patch=$copy/simulation/defects/$name.patch
  (cd "$copy" && patch --quiet --forward -p1 <"$patch") || { echo "$name: the patch does not apply" >&2; exit 1; }
  (cd "$copy" && go test -vet=off -c -o "$copy/simulation.test" ./simulation)
  result=$(cd "$copy/simulation" && count "$copy/simulation.test" "$seeds")
  if [[ $result == 0\|* && $seeds -lt 10000 ]]; then
    result=$(cd "$copy/simulation" && count "$copy/simulation.test" 10000)
  fi
  (cd "$copy" && patch --quiet --reverse -p1 <"$patch")
  IFS='|' read -r found of first rules <<<"$result"
  printf '| `%s` | %s of %s | %s | %s |\n' "$name" "$found" "$of" "$first" "$rules"
  if ((found == 0)); then missed=$((missed + 1)); fi
done
if ((missed > 0)); then
  echo "$missed defects were not found" >&2
  exit 1
fi
