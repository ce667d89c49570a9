# Writes `events` records made from the shop events on its input, each with an event_id of its own: of every 100, 91 are good, and
# the others are what a pipeline has to cope with. awk -v events=100000 -f verify/events.awk testdata/store-events.ndjson
{
  sub(/^\{"event_id":"[^"]*",/, "")
  shop[n++] = $0
}
END {
  for (i = 0; i < events; i++) {
    id = sprintf("{\"event_id\":\"e-%08d\",", i)
    event = shop[i % n]
    kind = i % 100
    if (kind == 7) print id "\"event_type\":\"vi" # breaks off
    else if (kind == 17) print id "\"event_type\":\"heartbeat\"}" # dropped by rule
    else if (kind == 27) print id event id event # two in one record: only the lake takes them
    else if (kind == 37) print id "\"x\":{\"a\":1,\"a\":2}}" # set aside: neither store takes it
    else if (kind == 47) print id "\"amount\":\"much\",\"category_id\":1.5}" # malformed fields
    else if (kind == 57) print id "\"amount\":NaN}" # no JSON
    else if (kind == 67) print "[" id "\"in\":\"an array\"}]"
    else if (kind == 77) print id "\"event_id\":\"twice-" i "\"," event # a key twice
    else if (kind == 87) print id "\"note\":\"€ \\u20ac \\\\\", " event # spaces and escapes
    else print id event
  }
}
