package replay

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/filelock"
)

// Place is where a record was found: a range of bytes of an object in S3, of its unzipped content if it is compressed.
type Place struct {
	Bucket, Key, VersionID string
	Offset, End            int64
	// Into is the stream that a place was put into which any stream may be put into: one that has not failed in a
	// stream.
	Into event.Stream
}

func (p Place) objectOf() object { return object{p.Bucket, p.Key, p.VersionID, p.Into} }

func placeOf(p *deadletter.Pointer) Place {
	return Place{Bucket: p.Bucket, Key: p.Key, VersionID: p.VersionID, Offset: p.Offset, End: p.Offset + p.Length}
}

type object struct {
	bucket, key, version string
	into                 event.Stream
}

// span is a range of an object.
type span struct{ from, to int64 }

// maxDigests bounds the memory of the digests, and of the identities of records that were read from objects: those
// after are not known again when they fail again, or when a dead letter has them.
const maxDigests = 2_000_000

// skew is how much earlier than the time noted for a put its records may have arrived. The time is the Date of
// Firehose's first answer ([producer.Answer]): whole seconds, said after the records arrived, and by another of its
// machines than the one that noted their arrival. Without a Date it is this machine's time before the call.
const skew = 5 * time.Second

// Journal remembers replayed records: by place and bytes, so that none is replayed twice, and by content, so that a
// record that failed again is recognised. With a file it does so for later runs, too. It is safe for concurrent use.
type Journal struct {
	*digester
	mu   sync.Mutex
	file *os.File // nil without
	// read are the places of records that were read from the objects themselves: another reading gives the same
	// records.
	read places
	// sent are the records that were replayed, wherever they were read.
	sent map[identity]struct{}
	// unsure are the places that files of earlier versions have: of records of the objects, or of dead letters that
	// name them.
	unsure places
	// lettered are the objects that dead letters name which had their record in them.
	lettered map[object]bool
	busy     map[identity]bool
	lastPuts map[uint64]put
	refused  bool // digests or identities are left out
}

// places are ranges of objects, sorted and joined.
type places map[object][]span

// put is when a digest was replayed last.
type put struct {
	at  int64 // milliseconds since 1970
	now bool  // in this run
}

// entry is a line of the file.
type entry struct {
	Version   int          `json:"version,omitempty"` // of the first line alone
	Bucket    string       `json:"bucket,omitempty"`
	Key       string       `json:"key,omitempty"`
	VersionID string       `json:"versionId,omitempty"`
	Into      event.Stream `json:"into,omitempty"`
	Ranges    [][2]int64   `json:"ranges,omitempty"`
	// Read says that the records were read from the object itself. Records are their identities, one a range but of
	// source data. Files of earlier versions have neither.
	Read    bool     `json:"read,omitempty"`
	Records []string `json:"records,omitempty"`
	// Digests are of the pieces sent, At is the time, in milliseconds since 1970.
	Digests []string `json:"digests,omitempty"`
	At      int64    `json:"at,omitempty"`
}

// journalVersion is the version of the file that this package writes.
const journalVersion = 1

// NewJournal returns a journal for one run.
func NewJournal(layout *event.Layout) *Journal {
	return &Journal{digester: newDigester(layout), read: places{}, sent: map[identity]struct{}{}, unsure: places{},
		lettered: map[object]bool{},
		busy:     map[identity]bool{}, lastPuts: map[uint64]put{}}
}

// OpenJournal returns a journal that goes on with a file, which is made if it does not exist. A line at its end that a
// dying process has not finished is taken off. A new file can be read by its owner alone. One run at a time may use a
// file: the error of the others is [filelock.ErrInUse].
func OpenJournal(path string, layout *event.Layout) (_ *Journal, err error) {
	j := NewJournal(layout)
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	if err := j.lockAndLoad(); err != nil {
		return nil, fmt.Errorf("reading the state: %s: %w", path, errors.Join(err, j.file.Close()))
	}
	return j, nil
}

func (j *Journal) lockAndLoad() error {
	if err := filelock.Lock(j.file); err != nil {
		return err
	}
	end, err := j.loadFile()
	if err == nil {
		err = j.file.Truncate(end)
	}
	if err == nil && end == 0 {
		err = j.writeEntry(entry{Version: journalVersion})
	}
	return err
}

func (j *Journal) loadFile() (end int64, err error) {
	lines := bufio.NewReader(j.file)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			if number == 1 && !strings.HasPrefix(fmt.Sprintf(`{"version":%d}`, journalVersion), string(line)) {
				// somebody else's is left alone
				return end, errors.New("must be a state file of this command: its first line has the version")
			}
			return end, nil
		}
		if err != nil {
			return end, err
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return end, fmt.Errorf("line %d: %w", number, err)
		}
		if number == 1 && e.Version != journalVersion {
			return end, fmt.Errorf("must be a file of this command, version %d (got version %d)", journalVersion,
				e.Version)
		}
		if err := j.recallEntry(&e); err != nil {
			return end, fmt.Errorf("line %d: %w", number, err)
		}
		for _, text := range e.Digests {
			d, err := strconv.ParseUint(text, 16, 64)
			if err != nil {
				return end, fmt.Errorf("line %d: %w", number, err)
			}
			j.noteDigest(d, put{at: e.At})
		}
		end += int64(len(line))
	}
}

// recallEntry takes over the places and records of a line.
func (j *Journal) recallEntry(e *entry) error {
	o := object{e.Bucket, e.Key, e.VersionID, e.Into}
	read := e.Read || e.Into != "" // source data has no dead letters
	for _, text := range e.Records {
		id, err := hex.DecodeString(text)
		if err != nil || len(id) != len(identity{}) {
			return fmt.Errorf("records: must be %d hexadecimal digits (got %q)", 2*len(identity{}), text)
		}
		j.rememberRecord(identity(id), read)
	}
	for _, r := range e.Ranges {
		switch s := (span{r[0], r[1]}); {
		case read:
			j.read.insertSpan(o, s)
		case len(e.Records) > 0:
			j.lettered[o] = true
		default:
			j.unsure.insertSpan(o, s)
		}
	}
	return nil
}

// rememberRecord notes a record that was replayed. Records of dead letters are always remembered: their places alone do
// not identify them.
func (j *Journal) rememberRecord(id identity, read bool) {
	if read && len(j.sent) >= maxDigests {
		j.refused = true
		return
	}
	j.sent[id] = struct{}{}
}

// Close closes the file, which another run may use from then on.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

// hasForgotten reports whether there were more digests than it keeps.
func (j *Journal) hasForgotten() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused
}

// Lasts reports whether later runs will know.
func (j *Journal) Lasts() bool { return j.file != nil }

// claimRecord takes a record, whose data is known, for the caller to work on, unless it is done or somebody is at it.
func (j *Journal) claimRecord(r *Record) (mine, done bool) {
	id := r.computeIdentity()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.hasRecord(r) {
		return false, true
	}
	if j.busy[id] {
		return false, false
	}
	j.busy[id], r.claimed = true, true
	return true, false
}

// releaseRecord gives a record back, done or not, if it was claimed.
func (j *Journal) releaseRecord(r *Record) {
	if !r.claimed {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.busy, r.computeIdentity())
	r.claimed = false
}

// isDone reports whether the record was replayed: from its place, to its stream, with the same bytes. One whose data is
// not known was not.
func (j *Journal) isDone(r *Record) bool {
	if r.Data == nil {
		return false
	}
	r.computeIdentity()
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.hasRecord(r)
}

// wasRead reports whether the object's own record at a place was replayed.
func (j *Journal) wasRead(p Place) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.read.containsPlace(p)
}

// mayHave reports whether the object's record at a place may have been replayed from a dead letter: compare the data.
func (j *Journal) mayHave(p Place) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lettered[p.objectOf()] || len(j.unsure[p.objectOf()]) > 0
}

func (j *Journal) hasRecord(r *Record) bool {
	if _, sent := j.sent[r.computeIdentity()]; sent || r.read && j.read.containsPlace(r.Place) {
		return true
	}
	if !j.unsure.containsPlace(r.Place) {
		return false
	}
	for _, p := range splitRecord(r.Data) { // all of it was replayed, from wherever
		if _, put := j.lastPuts[j.contentDigest(r.Stream, p)]; !put {
			return false
		}
	}
	return true
}

func (places places) containsPlace(p Place) bool {
	spans := places[p.objectOf()]
	at, found := slices.BinarySearchFunc(spans, p.Offset, func(s span, offset int64) int {
		switch {
		case s.to <= offset:
			return -1
		case s.from > offset:
			return 1
		}
		return 0
	})
	return found && spans[at].to >= p.End
}

// addRecords notes replayed records and the digests of their pieces, sent not before a time.
func (j *Journal) addRecords(records []*Record, digests []uint64, at time.Time) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	type line struct {
		object
		read bool
	}
	lines := map[line]*entry{}
	var entries []*entry // in the order of the records
	for _, r := range records {
		o := r.objectOf()
		e := lines[line{o, r.read}]
		if e == nil {
			e = &entry{Bucket: o.bucket, Key: o.key, VersionID: o.version, Into: o.into, Read: r.read}
			lines[line{o, r.read}] = e
			entries = append(entries, e)
		}
		e.Ranges = append(e.Ranges, [2]int64{r.Offset, r.End})
		if r.read {
			j.read.insertSpan(o, span{r.Offset, r.End})
		} else {
			j.lettered[o] = true
		}
		if o.into == "" { // no dead letter names source data
			id := r.computeIdentity()
			j.rememberRecord(id, r.read)
			e.Records = append(e.Records, hex.EncodeToString(id[:]))
		}
	}
	texts := make([]string, len(digests))
	for i, d := range digests {
		j.noteDigest(d, put{at.UnixMilli(), true})
		texts[i] = strconv.FormatUint(d, 16)
	}
	if j.file == nil {
		return nil
	}
	for _, e := range entries {
		e.Digests, e.At, texts = texts, at.UnixMilli(), nil
		if err := j.writeEntry(*e); err != nil {
			return fmt.Errorf("writing the state: %w", err)
		}
	}
	return nil
}

func (j *Journal) writeEntry(e entry) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	return err
}

// insertSpan adds a span, joined with those that it touches. Documents of an error object have a newline between them.
func (places places) insertSpan(o object, s span) {
	spans := places[o]
	first, _ := slices.BinarySearchFunc(spans, s.from, func(have span, from int64) int {
		if have.to+1 < from {
			return -1
		}
		return 1
	})
	last := first
	for last < len(spans) && spans[last].from <= s.to+1 {
		s = span{min(s.from, spans[last].from), max(s.to, spans[last].to)}
		last++
	}
	places[o] = slices.Replace(spans, first, last, s)
}

func (j *Journal) noteDigest(d uint64, p put) {
	if _, known := j.lastPuts[d]; !known && len(j.lastPuts) >= maxDigests {
		j.refused = true
		return
	}
	j.lastPuts[d] = p
}

// cameBack reports whether a piece of a failed record counts as one that was replayed and has failed again. It does
// when a piece of the same digest was put to the stream, and the record arrived there no earlier than [skew] before the
// last time that was done. So these count, too: an equal piece that somebody else sent since then, and one that arrived
// within skew before. These do not count: a record whose arrival is not known, and one that came back from an earlier
// put when the same was put again more than skew later. Now says that the last time was in this run.
func (j *Journal) cameBack(d uint64, arrival time.Time) (back, now bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p, ok := j.lastPuts[d]
	return ok && !arrival.IsZero() && arrival.Add(skew).UnixMilli() >= p.at, p.now
}
