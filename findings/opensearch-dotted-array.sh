#!/usr/bin/env bash
# OpenSearch with "dynamic": false: the elements of an array under a dotted key that is not mapped are taken for values of the field
# that the last part of the key names. {"order.amount": [5]} is found by amount:5, and {"order.amount": [{}]} is rejected, though
# "order" is not mapped. The same value without the array is left alone, as "dynamic": false promises.
# Needs Java 17 or 21 and Maven. Exits with 1 when the behaviour has changed.
set -euo pipefail
version=${1:-2.19.1}
dir=$(mktemp -d)
pid=
cleanup() {
  [ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; } || true
  rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -DoutputDirectory="$dir" \
  -Dartifact="org.opensearch.distribution.integ-test-zip:opensearch:$version:zip"
unzip -q "opensearch-$version.zip"
home=$(dirname "$(find "$dir" -maxdepth 2 -name config)")
mkdir -p "$home/tmp"
printf '%s\n' 'discovery.type: single-node' 'network.host: 127.0.0.1' 'http.port: 19229' 'transport.port: 19329' >>"$home/config/opensearch.yml"
java_home=${OPENSEARCH_JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")}
start=(env OPENSEARCH_JAVA_HOME="$java_home" OPENSEARCH_TMPDIR="$home/tmp" OPENSEARCH_JAVA_OPTS='-Xms512m -Xmx512m' "$home/bin/opensearch")
if [ "$(id -u)" = 0 ]; then # OpenSearch does not run as root
  chmod 755 "$dir"
  chown -R nobody "$home"
  start=(setpriv --reuid=nobody --clear-groups "${start[@]}")
fi
"${start[@]}" >"$dir/log" 2>&1 &
pid=$!
url=http://127.0.0.1:19229
for _ in $(seq 120); do
  curl -sf "$url/_cluster/health" >"$dir/health" && break
  sleep 1
done
curl -s "$url" | tr -d '\n ' | sed 's/.*"number":"\([^"]*\)".*/OpenSearch \1\n/'
ask() { curl -s -H 'Content-Type: application/json' "$@"; }
ask -X PUT "$url/i" -d '{"mappings":{"dynamic":"false","properties":{"amount":{"type":"double"},"brand":{"type":"keyword"}}}}' >"$dir/created"
put() { # id, document: prints the status
  ask -o "$dir/answer" -w '%{http_code}' -X PUT "$url/i/_doc/$1?refresh=true" -d "$2"
}
found() { ask "$url/i/_count" -d "{\"query\":{\"term\":{$1}}}" | sed 's/.*"count":\([0-9]*\).*/\1/'; }
got="value $(put 1 '{"order.amount":5}'), found $(found '"amount":5')
array $(put 2 '{"order.amount":[6]}'), found $(found '"amount":6')
object $(put 3 '{"order.brand":{}}')
array of an object $(put 4 '{"order.brand":[{}]}')"
echo "$got"
[ "$got" = "value 201, found 0
array 201, found 1
object 201
array of an object 400" ]
