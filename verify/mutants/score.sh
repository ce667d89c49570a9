#!/usr/bin/env bash
# Mutation score of one package, by gremlins on a copy of the project: score.sh FOLDER [SAMPLE]. SAMPLE N tests about one
# mutant in N, the same ones for the same code. Prints the mutants that no test notices, those that no test reaches, and
# the score; writes .build/mutation/<folder>.json. gremlins is pinned in verify/tools/go.mod.
set -euo pipefail
if [[ ${1:-} == --help || $# -lt 1 || $# -gt 2 ]]; then
  echo 'Usage: verify/mutants/score.sh FOLDER [SAMPLE]    e.g. functions/errorhandler, or event 10'
  [[ ${1:-} == --help ]] && exit 0 || exit 2
fi
cd "$(dirname "$0")/../.."
folder=${1#./} sample=${2:-1}
folder=${folder%/}
[[ $sample =~ ^[1-9][0-9]{0,3}$ ]] || { echo "SAMPLE: must be 1 to 9999 (got $(printf %q "$sample"))" >&2; exit 2; }
compgen -G "$folder/*.go" >/dev/null || {
  echo "PKG: must be a folder of Go files, such as event (got $(printf %q "$folder"))" >&2
  exit 2
}
root=$PWD out=.build/mutation
mkdir -p "$out"
go -C verify/tools build -o "$root/$out/gremlins" github.com/go-gremlins/gremlins/cmd/gremlins
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/tree" "$copy/bin" "$copy/tmp"
git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
  tar --null -T - --ignore-failed-read -cf - | tar -xf - -C "$copy/tree"

# gremlins counts a mutant as not viable when `go test` exits with 2. It exits with 1 whether a test fails or the mutant
# does not compile, so that such mutants would count as killed. This go makes the difference, and leaves out the mutants
# that are not in the sample. A profile of the coverage is asked for once, before the first mutant.
cat >"$copy/bin/go" <<'GO'
#!/usr/bin/env bash
case "$*" in test*-coverprofile* | [!t]* | t[!e]*) exec "$REAL_GO" "$@" ;; esac
number=$(find . -name '*.go' | LC_ALL=C sort | xargs cat | cksum | cut -d ' ' -f 1)
if ((number % SAMPLE != 0)); then
  echo "left out" >>"$NOTES"
  exit 2
fi
status=0
shift
text=$("$REAL_GO" test -vet=off "$@" -timeout "${LIMIT:-2m}" 2>&1) || status=$? # an endless loop is noticed
if [[ $status != 0 && $text =~ \[(build|setup)\ failed\] ]]; then
  echo "not compiled" >>"$NOTES"
  exit 2
fi
echo "tested" >>"$NOTES"
exit "$status"
GO
chmod +x "$copy/bin/go"
export SAMPLE=$sample NOTES=$copy/notes TMPDIR=$copy/tmp REAL_GO
REAL_GO=$(command -v go)
: >"$NOTES"
cd "$copy/tree"
# Once before it is measured: the limit of each mutant is a multiple of the time of this run, without compilation.
go test -vet=off -count=1 "./$folder/..." >"$copy/first" 2>&1 || { cat "$copy/first" >&2; exit 1; }
PATH=$copy/bin:$PATH "$root/$out/gremlins" unleash --workers 1 --timeout-coefficient "${COEFFICIENT:-30}" \
  --output-statuses lct --output "$root/$out/${folder//\//-}.json" "./$folder" |
  if ((sample > 1)); then grep -v '^Mutator coverage'; else cat; fi # of a sample it is wrong
printf 'Tested: %s, left out of the sample: %s, not compiled: %s\n' "$(grep -c tested "$NOTES")" \
  "$(grep -c 'left out' "$NOTES")" "$(grep -c 'not compiled' "$NOTES")"
