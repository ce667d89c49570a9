package kinesis

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"
)

var begin = time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC)

func newStream(change func(*Options)) *Stream {
	o := Options{Name: "data", ARN: "arn", AccountID: "000000000000", Retention: 24 * time.Hour, Created: begin}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func put(s *Stream, at time.Time, keys ...string) []Result {
	results := make([]Result, len(keys))
	for i, key := range keys {
		results[i] = s.Put(Record{PartitionKey: key, Data: []byte(key)}, at)
	}
	return results
}

func keys(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("key-%d", i)
	}
	return all
}

// read returns the data of the records that a reader gets, by shard.
func read(t *testing.T, r *Reader) map[ShardID][]string {
	t.Helper()
	got := map[ShardID][]string{}
	if _, err := r.Read(func(shard ShardID, records []Arrived, _ int) error {
		for _, record := range records {
			got[shard] = append(got[shard], string(record.Data))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

// The documented example values of MD5, and ranges that cover every hash without a gap.
func TestRecordsGoToTheShardOfTheirHash(t *testing.T) {
	if got := HashOf("").String(); got != "281949768489412648962353822266799178366" { // d41d8cd98f00b204e9800998ecf8427e
		t.Errorf("MD5 of nothing: got %s", got)
	}
	s := newStream(nil)
	next := Hash{}
	for _, shard := range s.Shards() {
		if shard.First != next {
			t.Errorf("%s: must begin at %s (got %s)", shard.ID, next, shard.First)
		}
		next = shard.Last.next()
	}
	if next != (Hash{}) || len(s.Shards()) != FirstShards {
		t.Errorf("shards: must be %d and cover every hash (got %+v)", FirstShards, s.Shards())
	}
	if first := s.Shards()[0].Last.String(); first != "85070591730234615865843651857942052863" { // 2^126-1
		t.Errorf("the first of four shards must end at 2^126-1 (got %s)", first)
	}
	for _, hash := range []Hash{{}, lastHash, s.Shards()[1].First, s.Shards()[1].Last} {
		at := s.shardOf(hash)
		if hash.less(at.first) || at.last.less(hash) {
			t.Errorf("%s: is not in %s", hash, at.id)
		}
	}
	explicit, err := ParseHash("340282366920938463463374607431768211455")
	if err != nil || s.Put(Record{PartitionKey: "a", Hash: &explicit}, begin).Shard != 3 {
		t.Errorf("the largest explicit hash must be in the last shard (%v)", err)
	}
	for _, wrong := range []string{"", "-1", "01", "x", "340282366920938463463374607431768211456"} {
		if _, err := ParseHash(wrong); err == nil {
			t.Errorf("explicit hash key %q: must be rejected", wrong)
		}
	}
}

func TestKeysSpreadAndKeepTheirOrder(t *testing.T) {
	s := newStream(nil)
	r := s.NewReader()
	put(s, begin, keys(1000)...)
	for i := range 3 {
		s.Put(Record{PartitionKey: "one", Data: []byte{'0' + byte(i)}}, begin)
	}
	got := read(t, r)
	total := 0
	var ofOne []string
	for shard, data := range got {
		total += len(data)
		if len(data) < 150 {
			t.Errorf("%s: has %d records of 1,003", shard, len(data))
		}
		for _, d := range data {
			if len(d) == 1 {
				ofOne = append(ofOne, d)
			}
		}
	}
	if total != 1003 || !slices.Equal(ofOne, []string{"0", "1", "2"}) {
		t.Errorf("must read 1,003 records, those of one key in order (got %d, %v)", total, ofOne)
	}
	if again := read(t, r); len(again) != 0 {
		t.Errorf("must read each record once (got %v)", again)
	}
}

// Firehose begins at LATEST: earlier records are not read.
func TestReadersBeginAtLatest(t *testing.T) {
	s := newStream(nil)
	put(s, begin, "before")
	r := s.NewReader()
	put(s, begin, "after")
	got := read(t, r)
	if len(got) != 1 || !slices.Equal(got[s.shardOf(HashOf("after")).id], []string{"after"}) {
		t.Errorf("must read what came after (got %v)", got)
	}
}

func TestSplitShardsAreReadAfterTheirParent(t *testing.T) {
	s := newStream(nil)
	r := s.NewReader()
	put(s, begin, keys(40)...)
	for range 3 { // shards of shards, too
		for _, id := range s.OpenShards() {
			if !s.Split(id) {
				t.Fatalf("%s: must be split", id)
			}
		}
		put(s, begin, keys(40)...)
	}
	if s.Split(0) {
		t.Error("a closed shard must not be split again")
	}
	if n := len(s.OpenShards()); n != 32 {
		t.Errorf("open shards: must be 32 (got %d)", n)
	}
	counts := map[string]int{}
	order := []string{}
	if _, err := r.Read(func(_ ShardID, records []Arrived, _ int) error {
		for _, record := range records {
			if string(record.Data) == "key-7" {
				order = append(order, fmt.Sprint(record.Number))
			}
			counts[string(record.Data)]++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys(40) {
		if counts[key] != 4 {
			t.Errorf("%s: must be read 4 times (got %d)", key, counts[key])
		}
	}
	if !slices.Equal(order, []string{"7", "47", "87", "127"}) {
		t.Errorf("the records of a key must be read in order over all splits (got %v)", order)
	}
	parents := map[ShardID]int{}
	for _, shard := range s.Shards() {
		parents[shard.Parent]++
		if shard.Closed != (shard.ID < 28) {
			t.Errorf("%s: closed %t", shard.ID, shard.Closed)
		}
	}
	if parents[-1] != 4 || parents[0] != 2 {
		t.Errorf("parents: got %v", parents)
	}
}

func TestReadersReadAgainAfterARestart(t *testing.T) {
	s := newStream(nil)
	r := s.NewReader()
	hash := Hash{}
	for i := range 10 {
		s.Put(Record{Hash: &hash, Data: []byte{'0' + byte(i)}}, begin)
	}
	read(t, r)
	if n := r.Rewind(0, 3); n != 3 {
		t.Fatalf("must go back by 3 records (got %d)", n)
	}
	s.Put(Record{Hash: &hash, Data: []byte("a")}, begin)
	var got []string
	var first int
	if _, err := r.Read(func(_ ShardID, records []Arrived, again int) error {
		first = again
		for _, record := range records {
			got = append(got, string(record.Data))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if first != 3 || !slices.Equal(got, []string{"7", "8", "9", "a"}) {
		t.Errorf("must read 3 of 4 records again (got %d, %v)", first, got)
	}
	if n := r.Rewind(0, 1000); n != 11 {
		t.Errorf("must go back as far as the shard goes (got %d)", n)
	}
}

// Memory stays bounded: records that all readers have read go, but for those that one may read again.
func TestRecordsThatAreReadAreForgotten(t *testing.T) {
	s := newStream(nil)
	fast, slow := s.NewReader(), s.NewReader()
	put(s, begin, keys(8000)...)
	read(t, fast)
	kept := func() (n int) {
		for _, shard := range s.shards {
			n += len(shard.records)
		}
		return n
	}
	if kept() != 8000 {
		t.Errorf("records that one reader has not read must stay (got %d)", kept())
	}
	read(t, slow)
	if kept() != FirstShards*Rewindable {
		t.Errorf("must keep %d records (got %d)", FirstShards*Rewindable, kept())
	}
}

func TestRetention(t *testing.T) {
	s := newStream(func(o *Options) { o.Keep, o.KeepBytes = true, 1<<20 })
	r := s.NewReader()
	hash := Hash{}
	s.Put(Record{Hash: &hash, Data: []byte("old")}, begin)
	read(t, r)
	s.Put(Record{Hash: &hash, Data: []byte("new")}, begin.Add(25*time.Hour))
	read(t, r)
	if page, _ := s.Get(0, 0, 10); len(page.Records) != 1 || string(page.Records[0].Data) != "new" {
		t.Errorf("records older than the retention must be gone (got %+v)", page)
	}
	// A reader that comes too late misses trimmed records, and learns their number.
	late := s.NewReader()
	for range 3 {
		s.Put(Record{Hash: &hash, Data: bytes.Repeat([]byte("x"), 512<<10)}, begin.Add(26*time.Hour))
	}
	read(t, r) // which trims
	if missed, err := late.Read(func(ShardID, []Arrived, int) error { return nil }); err != nil || missed != 1 {
		t.Errorf("one record of three must have been trimmed (got %d, %v)", missed, err)
	}
}

func TestShardsAreThrottled(t *testing.T) {
	s := newStream(func(o *Options) { o.Throttle = true })
	hash := Hash{}
	accepted := func(at time.Time, n, size int) (taken int) {
		for range n {
			if r := s.Put(Record{Hash: &hash, Data: make([]byte, size)}, at); r.ErrorCode == "" {
				taken++
			} else if r.ErrorCode != Throttled || r.Message !=
				"Rate exceeded for shard shardId-000000000000 in stream data under account 000000000000." {
				t.Fatalf("got %+v", r)
			}
		}
		return taken
	}
	if n := accepted(begin, 1500, 10); n != ShardRecords {
		t.Errorf("records in the first second: must be %d (got %d)", ShardRecords, n)
	}
	if n := accepted(begin.Add(500*time.Millisecond), 1500, 10); n != ShardRecords/2 {
		t.Errorf("half a second later: must be %d (got %d)", ShardRecords/2, n)
	}
	if n := accepted(begin.Add(10*time.Second), 20, 100<<10); n != 10 {
		t.Errorf("of 100 KiB each: must be 10 (got %d)", n)
	}
	other := lastHash
	if r := s.Put(Record{Hash: &other, Data: []byte("x")}, begin.Add(10*time.Second)); r.ErrorCode != "" {
		t.Errorf("another shard must not be throttled (got %+v)", r)
	}
}

func TestSequenceNumbersAndShardIDs(t *testing.T) {
	before := ""
	for _, n := range []int64{0, 1, 9, 10, 1<<40 + 7} {
		text := string(AppendSequence(nil, n))
		got, ok := ParseSequence(text)
		if !ok || got != n || len(text) != SequenceDigits || text <= before {
			t.Errorf("%d: got %s, back %d", n, text, got)
		}
		before = text
	}
	for _, wrong := range []string{"", "49", before[1:] + "0", before[:55] + "x"} {
		if _, ok := ParseSequence(wrong); ok {
			t.Errorf("sequence number %q: must be rejected", wrong)
		}
	}
	for text, want := range map[string]ShardID{"shardId-000000000000": 0, "shardId-000000000012": 12, "shardId-1": -1,
		"shardId-00000000000x": -1, "": -1, "shardid-000000000000": -1} {
		if got, ok := ParseShardID(text); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: got %d, %t", text, got, ok)
		}
	}
}
