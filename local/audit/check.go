package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
)

// Stream is one stream to be checked, after everything put to it has been delivered.
type Stream struct {
	Config       template.Stream
	Bucket       string
	Folder       *results.Folder
	Expectations *Expectations
	// Offered is how many records were offered to the stream, rejected ones too.
	Offered int64
	// NumberOf returns the number of the record with a document id, among those put and from 0.
	NumberOf func(id string) (int64, bool)
	// Losses are the records that the stream itself reports as lost.
	Losses []firehose.Discarded
}

// Check compares the expectations of a stream with the content of the folder of results, and adds its findings to the
// report.
//
// A record that can be transformed may be in the store or, when an invocation or a conversion failed, in the queue; one
// that is dropped by rule nowhere, or in the queue; one that cannot be transformed in the queue. Records of the same
// content count for each other: of two equal ones of which one is missing, the later is named.
//
// AWS delivers at least once. Duplicates that an id identifies are counted, not reported as findings: a dead letter
// with the id of another one, and a document whose record's dead letter names the id of that document. Losses that AWS
// itself declares, the objects that S3 has rejected for a day, are counted as well.
//
// It reads everything as a stream, and sorts in files the fingerprints of what does not follow the order of the records.
// In memory it has three bytes a record, a bit a row, 40 bytes a failed record, the findings, and, once a copy of the
// records does not follow their order, 50 bytes a record.
func Check(ctx context.Context, s Stream, report *Report) error {
	if err := s.Expectations.flushAll(); err != nil {
		return err
	}
	c := &checker{ctx: ctx, folder: s.Folder, config: s.Config, bucket: s.Bucket, expectations: s.Expectations,
		print: s.Expectations.print.clone(), lettered: make([]letterFound, s.Offered+1),
		numberOf: s.NumberOf, flags: make([]recordFlags, s.Expectations.count), letterIDs: map[uint64]uint64{},
		report: report}
	defer c.closeIndexes()
	c.addLosses(s.Losses)
	if err := c.compareAll(); err != nil {
		return err
	}
	if err := c.nameEventIDs(); err != nil {
		return err
	}
	report.Records += s.Expectations.count
	slices.SortStableFunc(c.findings, func(a, b Finding) int { return int(a.Record - b.Record) })
	report.Findings = append(report.Findings, c.findings...)
	return nil
}

// checker is one check of one stream.
type checker struct {
	ctx          context.Context
	folder       *results.Folder
	config       template.Stream
	bucket       string
	expectations *Expectations
	print        *fingerprints

	indexes  []*index
	lettered []letterFound // by number of the record
	places   []string      // files, by the first half of an entry's owner
	findings []Finding

	numberOf  func(id string) (int64, bool) // of a record, as the stream counts
	flags     []recordFlags                 // by that number
	letterIDs map[uint64]uint64             // content of dead letters by their ids, both as fingerprints
	report    *Report
}

// recordFlags is what else is known of a record.
type recordFlags byte

const (
	lostStore   recordFlags = 1 << iota // S3 did not take the object of the lake with it
	lostFailure                         // or the error object
	lostCopy                            // or the object with its copy
	documentID                          // a dead letter names the document that it is
)

// addLosses notes the losses that the stream declares.
func (c *checker) addLosses(losses []firehose.Discarded) {
	for _, loss := range losses {
		what, where := lostFailure, inErrors
		switch loss.Output {
		case "delivery":
			what, where = lostStore, inLake
		case "backup":
			what, where = lostCopy, inBackup
		}
		for _, r := range loss.Records {
			for n := r.First; n <= r.Last; n++ {
				c.flags[n] |= what
			}
			c.report.addLoss(where, r.Last-r.First+1)
		}
	}
}

// letterFound is where the dead letters have been found to be.
type letterFound byte

const (
	noLetter  letterFound = iota
	letterRaw             // a dead letter with the record as it was put
	letterOut             // a dead letter with the record as the transform left it
)

// Names of the places in findings.
const (
	inLake    = "lake"
	inSearch  = "search index"
	inLetters = "dead letters"
	inErrors  = "error objects"
	inBackup  = "source backup"
)

func (c *checker) compareAll() error {
	if err := c.compareLetters(); err != nil {
		return err
	}
	if err := c.compareErrorObjects(); err != nil {
		return err
	}
	if to := c.config.S3; to != nil {
		if to.Backup != nil {
			if err := c.compareSequence(*to.Backup, inBackup, lostCopy); err != nil {
				return err
			}
		}
		if to.Conversion == nil && c.config.Transform == nil {
			return c.compareSequence(to.S3Output, inLake, lostStore)
		}
		return c.compareStore(inLake, func(found *pairing) error { return c.readLake(to, found) })
	}
	if c.config.Search.BackupAll {
		if err := c.compareSequence(c.config.Search.S3, inBackup, lostCopy); err != nil {
			return err
		}
	}
	return c.compareStore(inSearch, c.readIndices)
}

func (c *checker) newIndex() *index {
	l := &index{dir: c.folder.Path(results.CheckDir)}
	c.indexes = append(c.indexes, l)
	return l
}

func (c *checker) closeIndexes() {
	for _, l := range c.indexes {
		_ = l.removeFiles() // the folder of the check goes with the run
	}
}

// placeAt gives a position in a file a number for an entry.
func (c *checker) placeAt(file int, position int64) uint64 {
	return uint64(file)<<40 | uint64(position)
}

func (c *checker) placeName(whose uint64) string {
	return fmt.Sprintf("%s:%d", c.places[whose>>40], whose&(1<<40-1))
}

// addPlace adds a file.
func (c *checker) addPlace(name string) (int, error) {
	c.places = append(c.places, name)
	return len(c.places) - 1, c.ctx.Err()
}

func (c *checker) addFinding(problem Problem, where string, number int64, place string) {
	c.findings = append(c.findings, Finding{Problem: problem, Stream: c.config.Kind, Record: number, Where: where,
		Place: place})
}

// compareCounts reports surplus and missing entries of one fingerprint. The owners of expected are numbers of records.
func (c *checker) compareCounts(where string, expected, found []entry) {
	for _, m := range expected[min(len(found), len(expected)):] {
		c.addFinding(Missing, where, int64(m.owner), "")
	}
	for _, m := range found[min(len(found), len(expected)):] {
		if len(expected) > 0 {
			c.addFinding(Doubled, where, int64(expected[0].owner), c.placeName(m.owner))
		} else {
			c.addFinding(Unknown, where, 0, c.placeName(m.owner))
		}
	}
}

// compareLetters compares the queue with the records.
func (c *checker) compareLetters() error {
	raw := c.newIndex()
	out := c.newIndex()
	if err := c.readQueue(results.QueueFile, raw, out); err != nil {
		return err
	}
	// The consumer that deleted a dead letter has seen the failure: nothing is lost. Most often a replay sent the
	// record again, as a record of its own.
	if err := c.readQueue(results.DeletedFile, raw, out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// First those with the record as it was put: an equal number of records is accounted for. Records that need no dead
	// letter and have none are left out.
	byRaw := c.newIndex()
	err := c.expectations.forEach(func(e *expectation) error {
		if c.flags[e.index]&lostFailure != 0 || e.outcome != toLetter && !raw.seen.mayHave(e.raw) {
			return nil
		}
		return byRaw.addEntry(e.raw, uint64(e.number)<<2|uint64(e.outcome))
	})
	if err != nil {
		return err
	}
	err = compareIndexes(byRaw, raw, func(expected, found []entry) error {
		c.accountForLetters(expected, found, toLetter, letterRaw)
		return nil
	})
	if err != nil {
		return err
	}
	byOut := c.newIndex()
	err = c.expectations.forEach(func(e *expectation) error {
		if c.lettered[e.number] != noLetter || e.outcome != toStore && e.outcome != toErrors ||
			c.flags[e.index]&lostFailure != 0 || e.outcome != toErrors && !out.seen.mayHave(e.out) {
			return nil
		}
		return byOut.addEntry(e.out, uint64(e.number)<<2|uint64(e.outcome))
	})
	if err != nil {
		return err
	}
	return compareIndexes(byOut, out, func(expected, found []entry) error {
		c.accountForLetters(expected, found, toErrors, letterOut)
		return nil
	})
}

// accountForLetters notes which records the dead letters of one fingerprint are for. Records of another outcome than
// must need none.
func (c *checker) accountForLetters(expected, found []entry, must outcome, where letterFound) {
	needed := len(expected) > 0 && outcome(expected[0].owner&3) == must
	for i := range expected {
		expected[i].owner >>= 2
		if i < len(found) {
			c.lettered[expected[i].owner] = where
		}
	}
	if !needed {
		expected = expected[:min(len(expected), len(found))]
	}
	c.compareCounts(inLetters, expected, found)
}

// readQueue puts the fingerprints of the dead-lettered records into raw or, for stages after the transform, out.
func (c *checker) readQueue(name string, raw, out *index) error {
	file, err := os.Open(c.folder.Path(name))
	if err != nil {
		return fmt.Errorf("reading queue: %w", err)
	}
	defer file.Close()
	place, err := c.addPlace(name)
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(file, 64<<10)
	for line := int64(1); ; line++ {
		body, err := in.ReadBytes('\n')
		if err == io.EOF && len(body) == 0 {
			return nil
		}
		if err != nil && err != io.EOF {
			return fmt.Errorf("reading queue: %w", err)
		}
		if err := c.readLetter(body, c.placeAt(place, line), raw, out); err != nil {
			return fmt.Errorf("reading queue: line %d: %w", line, err)
		}
	}
}

func (c *checker) readLetter(body []byte, whose uint64, raw, out *index) error {
	m, err := deadletter.Parse(body)
	if err != nil {
		c.addFinding(Unknown, inLetters, 0, c.placeName(whose))
		return nil
	}
	objects := m.Objects
	switch m.Kind {
	case deadletter.Record:
		if m.Stream != c.config.Kind {
			return nil
		}
		if !m.Truncated {
			return c.addLetter(m.ID, m.Stage, m.DocumentID, m.RawData, whose, raw, out)
		}
		objects = []deadletter.Pointer{*m.Pointer}
	case deadletter.Object:
		if m.Stream != c.config.Kind {
			return nil
		}
		if c.isRepeated(m.ID, c.print.ofBytes(fmt.Append(nil, *m.Pointer))) {
			return nil
		}
		objects = []deadletter.Pointer{*m.Pointer}
	}
	for _, pointer := range objects {
		source, ours := errorobject.NewSource(contract.ErrorPrefix, pointer.Bucket, pointer.Key, pointer.VersionID)
		if !ours || source.Stream != c.config.Kind {
			continue
		}
		err := c.readPointer(pointer, func(f *errorobject.Failure) error {
			// The dead letter that the record has, or would have, of its own.
			id := deadletter.ForRecord(source, &errorobject.Failure{Offset: pointer.Offset + f.Offset}, nil).ID
			return c.addLetter(id, source.StageOf(f), f.DocumentID, f.RawData, whose, raw, out)
		})
		if errors.Is(err, fs.ErrNotExist) {
			c.addFinding(Missing, inErrors, 0, pointer.Key)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// addLetter adds a failed record of the queue. A duplicate, identified by its dead letter's id, counts once.
func (c *checker) addLetter(
	id string, stage errorobject.Stage, document string, record []byte, whose uint64, raw, out *index,
) error {
	if n, ok := c.numberOf(document); ok && n < int64(len(c.flags)) {
		c.flags[n] |= documentID
	}
	if c.isRepeated(id, c.print.ofBytes(record)) {
		return nil
	}
	return c.addFailed(stage, record, whose, raw, out)
}

// isRepeated reports whether a dead letter with this id and content has been read. With another content it is not a
// duplicate.
func (c *checker) isRepeated(id string, content uint64) bool {
	key := c.print.ofBytes([]byte(id))
	before, read := c.letterIDs[key]
	if !read {
		c.letterIDs[key] = content
		return false
	}
	if before == content {
		c.report.Duplicates.Letters++
		return true
	}
	return false
}

func (c *checker) addFailed(stage errorobject.Stage, record []byte, whose uint64, raw, out *index) error {
	if stage == errorobject.Transform {
		return raw.addEntry(c.print.ofBytes(record), whose)
	}
	return out.addEntry(c.print.ofRecord(record), whose)
}

// readPointer calls do for each failed record in a range of an error object; its offset is that in the range. A record
// that cannot be read is missing then.
func (c *checker) readPointer(p deadletter.Pointer, do func(*errorobject.Failure) error) error {
	file, err := os.Open(c.folder.Path(path.Join(results.ObjectsDir, p.Bucket, p.Key)))
	if err != nil {
		return err
	}
	defer file.Close()
	content := io.Reader(file)
	if p.Encoding == "" {
		if _, err := file.Seek(p.Offset, io.SeekStart); err != nil {
			return err
		}
		if p.Length > 0 {
			content = io.LimitReader(file, p.Length)
		}
	}
	for failure, err := range errorobject.NewReader(content).Readable() {
		if err != nil {
			return err
		}
		if err := do(failure); err != nil {
			return err
		}
	}
	return nil
}

// compareErrorObjects compares the error objects with the records that have a dead letter.
func (c *checker) compareErrorObjects() error {
	expected := c.newIndex()
	found := c.newIndex()
	err := c.expectations.forEach(func(e *expectation) error {
		switch {
		case c.flags[e.index]&lostFailure != 0:
		case c.lettered[e.number] == letterRaw || e.outcome == toLetter:
			return expected.addEntry(e.raw, uint64(e.number))
		case c.lettered[e.number] == letterOut || e.outcome == toErrors:
			return expected.addEntry(e.out, uint64(e.number))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.walkObjects(contract.ErrorPrefix+string(c.config.Kind)+"/", func(key string, file *os.File) error {
		source, _ := errorobject.NewSource(contract.ErrorPrefix, c.bucket, key, "")
		place, err := c.addPlace(key)
		if err != nil {
			return err
		}
		number := int64(0) // of the document in the object
		for f, err := range errorobject.NewReader(file).Readable() {
			if err != nil {
				return err
			}
			number++
			if err := c.addFailed(source.StageOf(f), f.RawData, c.placeAt(place, number), found, found); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return compareIndexes(expected, found, func(expected, found []entry) error {
		c.compareCounts(inErrors, expected, found)
		return nil
	})
}

// walkObjects opens the objects whose keys begin with the prefix, as far as it is literal, in order of their keys.
func (c *checker) walkObjects(prefix string, do func(key string, file *os.File) error) error {
	literal, _, _ := strings.Cut(prefix, "!{")
	root := c.folder.Path(path.Join(results.ObjectsDir, c.bucket))
	return filepath.WalkDir(filepath.Join(root, filepath.FromSlash(path.Dir(literal+"x"))),
		func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // nothing was delivered
			}
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			relative, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			key := filepath.ToSlash(relative)
			if !strings.HasPrefix(key, literal) {
				return nil
			}
			file, err := os.Open(name)
			if err != nil {
				return err
			}
			return errors.Join(do(key, file), file.Close())
		})
}

// compareStore compares the documents in the store with the records that have no dead letter.
func (c *checker) compareStore(where string, read func(found *pairing) error) error {
	p := c.newPairing()
	defer p.close()
	if err := read(p); err != nil {
		return err
	}
	if err := p.finish(); err != nil {
		return err
	}
	return compareIndexes(p.expected, p.found, func(expected, found []entry) error {
		c.compareStoreCounts(where, expected, found)
		return nil
	})
}

// presenceOf is whether a record whose outcome is the store has to be there.
func (c *checker) presenceOf(e *expectation) storePresence {
	switch {
	case c.lettered[e.number] == noLetter:
		return needed
	case c.flags[e.index]&documentID != 0:
		return allowed
	}
	return excluded
}

// storePresence is whether a record has to be in the store.
type storePresence byte

const (
	needed   storePresence = iota
	allowed                // it has a dead letter that names the document: an answer was lost
	excluded               // it has a dead letter that does not name a document
)

// compareStoreCounts is compareCounts for entries with a presence. Needed entries account for found ones first.
func (c *checker) compareStoreCounts(where string, expected, found []entry) {
	var entries [3][]entry
	for _, m := range expected {
		how := storePresence(m.owner & 3)
		m.owner >>= 2
		entries[how] = append(entries[how], m)
	}
	left := found[min(len(found), len(entries[needed])):]
	second := min(len(left), len(entries[allowed]))
	c.report.Duplicates.Stored += int64(second)
	left = left[second:]
	if len(left) == 0 {
		c.compareCounts(where, entries[needed], found[:min(len(found), len(entries[needed]))])
		return
	}
	for _, m := range left {
		switch {
		case len(expected) == 0:
			c.addFinding(Unknown, where, 0, c.placeName(m.owner))
		case len(entries[excluded]) > 0: // named by the record that has no place there
			c.addFinding(Doubled, where, int64(entries[excluded][0].owner), c.placeName(m.owner))
		default:
			c.addFinding(Doubled, where, int64(expected[0].owner>>2), c.placeName(m.owner))
		}
	}
}

// readLake reads the lake's objects: rows of Parquet, or lines.
func (c *checker) readLake(to *template.S3Destination, found *pairing) error {
	return c.walkObjects(to.Prefix, func(key string, file *os.File) error {
		place, err := c.addPlace(key)
		if err != nil {
			return err
		}
		if to.Conversion == nil {
			return c.readLines(file, to.Compression, place, found)
		}
		info, err := file.Stat()
		if err != nil {
			return err
		}
		row := int64(0)
		err = c.print.ofFile(file, info.Size(), func(print uint64) error {
			row++
			return found.addFound(print, c.placeAt(place, row))
		})
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
}

// readIndices reads the documents of all indices.
func (c *checker) readIndices(found *pairing) error {
	entries, err := os.ReadDir(c.folder.Path(results.IndicesDir))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := results.IndicesDir + "/" + entry.Name()
		place, err := c.addPlace(name)
		if err != nil {
			return err
		}
		file, err := os.Open(c.folder.Path(name))
		if err != nil {
			return err
		}
		if err := errors.Join(c.readLines(file, "", place, found), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// readLines reads a file of one document a line.
func (c *checker) readLines(file *os.File, compression string, place int, found *pairing) error {
	content, err := decompress(file, compression)
	if err != nil {
		return fmt.Errorf("%s: %w", c.places[place], err)
	}
	in := bufio.NewReaderSize(content, 64<<10)
	var long []byte
	for line := int64(1); ; line++ {
		document, err := in.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			long = append(long[:0], document...)
			document, err = in.ReadBytes('\n')
			long = append(long, document...)
			document = long
		}
		if len(document) > 0 {
			if err := found.addFound(c.print.ofDocument(trimLineEnd(document)), c.placeAt(place, line)); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.places[place], err)
		}
	}
}

// nameEventIDs looks up the event_id of every record that was found wrong, and names a record that was read from a data
// stream by its number there.
func (c *checker) nameEventIDs() error {
	if len(c.findings) == 0 {
		return nil
	}
	wanted := map[int64][]int{}
	for i, f := range c.findings {
		if f.Record > 0 {
			wanted[f.Record] = append(wanted[f.Record], i)
		}
	}
	return c.expectations.forEach(func(e *expectation) error {
		for _, i := range wanted[e.number] {
			c.findings[i].EventID, c.findings[i].Record = string(e.eventID), e.origin
		}
		return nil
	})
}
