package kinesis

import (
	"crypto/md5"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// aggregate packs records as the Kinesis Producer Library does.
func aggregate(records ...Record) []byte {
	var message []byte
	for _, r := range records {
		message = protowire.AppendTag(message, 1, protowire.BytesType)
		message = protowire.AppendString(message, r.PartitionKey)
	}
	message = protowire.AppendTag(message, 2, protowire.BytesType) // an explicit hash key, which nothing here needs
	message = protowire.AppendString(message, "12")
	for i, r := range records {
		var record []byte
		record = protowire.AppendTag(record, 1, protowire.VarintType)
		record = protowire.AppendVarint(record, uint64(i))
		record = protowire.AppendTag(record, 3, protowire.BytesType)
		record = protowire.AppendBytes(record, r.Data)
		message = protowire.AppendTag(message, 3, protowire.BytesType)
		message = protowire.AppendBytes(message, record)
	}
	sum := md5.Sum(message)
	return slices.Concat(aggregateMagic, message, sum[:])
}

func TestAggregatesAreTakenApart(t *testing.T) {
	whole := aggregate(Record{PartitionKey: "a", Data: []byte(`{"event_id":"1"}`)}, Record{PartitionKey: "b",
		Data: []byte(`{"event_id":"2"}`)}, Record{PartitionKey: "a", Data: nil})
	got := Disaggregate(nil, Arrived{Record: Record{PartitionKey: "outer", Data: whole}, Number: 7, Arrival: 5})
	var text []string
	for _, r := range got {
		text = append(text, fmt.Sprintf("%s %d %d %d %s", r.PartitionKey, r.Number, r.Sub, r.Arrival, r.Data))
	}
	want := []string{`a 7 0 5 {"event_id":"1"}`, `b 7 1 5 {"event_id":"2"}`, `a 7 2 5 `}
	if !slices.Equal(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

// Any other record, and a broken aggregate, stays as it is.
func TestOtherRecordsStayWhole(t *testing.T) {
	good := aggregate(Record{PartitionKey: "a", Data: []byte("x")})
	torn := slices.Clone(good)
	torn[6] ^= 1
	bad := []byte{0x0a, 0xff} // a field that is longer than the message
	sum := md5.Sum(bad)
	// A record that names a key which is not there.
	orphan := protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), []byte{0x08, 5, 0x1a, 1, 'x'})
	orphanSum := md5.Sum(orphan)
	empty := md5.Sum(nil)
	for name, data := range map[string][]byte{"an event": []byte(`{}`), "nothing": nil, "the start alone": aggregateMagic,
		"a wrong sum": torn, "a broken message": slices.Concat(aggregateMagic, bad, sum[:]),
		"a key that is missing": slices.Concat(aggregateMagic, orphan, orphanSum[:]),
		"no records":            slices.Concat(aggregateMagic, empty[:])} {
		got := Disaggregate(nil, Arrived{Record: Record{PartitionKey: "k", Data: data}})
		if len(got) != 1 || string(got[0].Data) != string(data) || got[0].PartitionKey != "k" {
			t.Errorf("%s: must stay whole (got %+v)", name, got)
		}
	}
}
