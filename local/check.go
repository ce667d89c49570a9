package local

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
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/template"
)

// Check compares every record put with what is really in the folder of results: the rows of the lake's objects, the
// documents of the indices, the bodies of the dead-letter queue, the error objects that they come from, and the copies of
// the records as received. It is for a pipeline opened with Options.Check, after a Flush of everything.
//
// A record that can be transformed may be in the store or, when an invocation or a conversion failed, in the queue; one that
// is dropped by rule nowhere, or in the queue; one that cannot be transformed in the queue. Records of the same content stand
// for each other: of two equal ones of which one is missing, the later is named.
//
// AWS delivers at least once. What is there again and can be told by its id is counted, and no finding: a dead letter with the id
// of another one, and a document whose record's dead letter names the id of that document. What AWS itself declares as lost, the
// objects that S3 has refused for a day, is counted as well.
//
// It reads everything as a stream, and sorts fingerprints in files. In memory it has three bytes a record, 40 bytes a failed
// record, the findings, and, once a copy of the records does not follow their order, 50 bytes a record.
func (p *Pipeline) Check(ctx context.Context) (CheckReport, error) {
	report := CheckReport{Findings: []Finding{}}
	for _, s := range p.streams {
		if err := p.check(ctx, s, &report); err != nil {
			return report, fmt.Errorf("checking %s stream: %w", s.info.Kind, err)
		}
	}
	if p.files != nil {
		report.Duplicates.Overwritten = p.files.Overwritten()
	}
	return report, nil
}

func (p *Pipeline) check(ctx context.Context, s *stream, report *CheckReport) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.journal == nil:
		return errors.New("the run was not opened for a check")
	case s.pending:
		return errors.New("records have been put since the last flush")
	}
	if err := s.journal.flush(); err != nil {
		return err
	}
	c := &checker{ctx: ctx, folder: p.folder, config: s.info.Config, bucket: p.config.Bucket.Name, journal: s.journal,
		print: s.journal.print.clone(), lettered: make([]fateFound, s.number+1),
		numberOf: s.Number, known: make([]known, s.journal.count), letterIDs: map[uint64]uint64{}, report: report}
	defer c.close()
	c.declare(s.declared())
	if err := c.run(); err != nil {
		return err
	}
	if err := c.name(); err != nil {
		return err
	}
	report.Records += s.journal.count
	slices.SortStableFunc(c.findings, func(a, b Finding) int { return int(a.Record - b.Record) })
	report.Findings = append(report.Findings, c.findings...)
	return nil
}

// checker is one check of one stream.
type checker struct {
	ctx     context.Context
	folder  *results.Folder
	config  template.Stream
	bucket  string
	journal *journal
	print   *fingerprints

	ledgers  []*ledger
	lettered []fateFound // by number of the record
	places   []string    // files, by the first half of a mark's number
	findings []Finding

	numberOf  func(id string) (int64, bool) // of a record, as the stream counts
	known     []known                       // by that number
	letterIDs map[uint64]uint64             // content of dead letters by their ids, both as fingerprints
	report    *CheckReport
}

// known is what else is known of a record.
type known byte

const (
	lostStore   known = 1 << iota // S3 did not take the object of the lake with it
	lostFailure                   // or the error object
	lostCopy                      // or the object with its copy
	documentID                    // a dead letter names the document that it is
)

func (s *stream) declared() []firehose.Discarded {
	s.lossMu.Lock()
	defer s.lossMu.Unlock()
	return slices.Clone(s.losses)
}

// declare notes what the stream says is lost.
func (c *checker) declare(losses []firehose.Discarded) {
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
				c.known[n] |= what
			}
			c.report.declare(where, r.Last-r.First+1)
		}
	}
}

// fateFound is where the letters have been found to be.
type fateFound byte

const (
	noLetter  fateFound = iota
	letterRaw           // a letter with the record as it was put
	letterOut           // a letter with the record as the transform left it
)

// Names of the places in findings.
const (
	inLake    = "lake"
	inSearch  = "search index"
	inLetters = "dead letters"
	inErrors  = "error objects"
	inBackup  = "source backup"
)

func (c *checker) run() error {
	if err := c.letters(); err != nil {
		return err
	}
	if err := c.errorObjects(); err != nil {
		return err
	}
	if to := c.config.S3; to != nil {
		if to.Backup != nil {
			if err := c.sequence(*to.Backup, inBackup, lostCopy); err != nil {
				return err
			}
		}
		if to.Conversion == nil && c.config.Transform == nil {
			return c.sequence(to.S3Output, inLake, lostStore)
		}
		return c.store(inLake, func(found *ledger) error { return c.lake(to, found) })
	}
	if c.config.Search.BackupAll {
		if err := c.sequence(c.config.Search.S3, inBackup, lostCopy); err != nil {
			return err
		}
	}
	return c.store(inSearch, c.indices)
}

func (c *checker) ledger() *ledger {
	l := &ledger{dir: c.folder.Path(results.CheckDir)}
	c.ledgers = append(c.ledgers, l)
	return l
}

func (c *checker) close() {
	for _, l := range c.ledgers {
		_ = l.close() // the folder of the check goes with the run
	}
}

// place gives a position in a file a number for a mark.
func (c *checker) place(file int, position int64) uint64 { return uint64(file)<<40 | uint64(position) }

func (c *checker) placeName(whose uint64) string {
	return fmt.Sprintf("%s:%d", c.places[whose>>40], whose&(1<<40-1))
}

// newPlace adds a file.
func (c *checker) newPlace(name string) (int, error) {
	c.places = append(c.places, name)
	return len(c.places) - 1, c.ctx.Err()
}

func (c *checker) find(problem Problem, where string, number int64, place string) {
	c.findings = append(c.findings, Finding{Problem: problem, Stream: c.config.Kind, Record: number, Where: where, Place: place})
}

// settle reports what is too much or too little of one fingerprint. The marks of expected have numbers of records.
func (c *checker) settle(where string, expected, found []mark) {
	for _, m := range expected[min(len(found), len(expected)):] {
		c.find(Missing, where, int64(m.whose), "")
	}
	for _, m := range found[min(len(found), len(expected)):] {
		if len(expected) > 0 {
			c.find(Doubled, where, int64(expected[0].whose), c.placeName(m.whose))
		} else {
			c.find(Unknown, where, 0, c.placeName(m.whose))
		}
	}
}

// letters compares the queue with the records.
func (c *checker) letters() error {
	raw := c.ledger()
	out := c.ledger()
	if err := c.readQueue(results.QueueFile, raw, out); err != nil {
		return err
	}
	// Whoever deleted a letter has seen what failed: nothing is lost. Most often a replay has put it back, and that is a record of its own.
	if err := c.readQueue(results.DeletedFile, raw, out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// First those with the record as it was put: an equal number of records is accounted for.
	byRaw := c.ledger()
	err := c.journal.read(func(e *entry) error {
		if c.known[e.index]&lostFailure != 0 {
			return nil
		}
		return byRaw.add(e.raw, uint64(e.number)<<2|uint64(e.fate))
	})
	if err != nil {
		return err
	}
	err = compare(byRaw, raw, func(expected, found []mark) error {
		c.account(expected, found, toLetter, letterRaw)
		return nil
	})
	if err != nil {
		return err
	}
	byOut := c.ledger()
	err = c.journal.read(func(e *entry) error {
		if c.lettered[e.number] != noLetter || e.fate != toStore && e.fate != toErrors || c.known[e.index]&lostFailure != 0 {
			return nil
		}
		return byOut.add(e.out, uint64(e.number)<<2|uint64(e.fate))
	})
	if err != nil {
		return err
	}
	return compare(byOut, out, func(expected, found []mark) error {
		c.account(expected, found, toErrors, letterOut)
		return nil
	})
}

// account notes which records the letters of one fingerprint are for. Records of another fate than must need no letter.
func (c *checker) account(expected, found []mark, must fate, where fateFound) {
	needed := len(expected) > 0 && fate(expected[0].whose&3) == must
	for i := range expected {
		expected[i].whose >>= 2
		if i < len(found) {
			c.lettered[expected[i].whose] = where
		}
	}
	if !needed {
		expected = expected[:min(len(expected), len(found))]
	}
	c.settle(inLetters, expected, found)
}

// readQueue puts the fingerprints of the dead-lettered records into raw or, for stages after the transform, out.
func (c *checker) readQueue(name string, raw, out *ledger) error {
	file, err := os.Open(c.folder.Path(name))
	if err != nil {
		return fmt.Errorf("reading queue: %w", err)
	}
	defer file.Close()
	place, err := c.newPlace(name)
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
		if err := c.readLetter(body, c.place(place, line), raw, out); err != nil {
			return fmt.Errorf("reading queue: line %d: %w", line, err)
		}
	}
}

func (c *checker) readLetter(body []byte, whose uint64, raw, out *ledger) error {
	m, err := deadletter.Parse(body)
	if err != nil {
		c.find(Unknown, inLetters, 0, c.placeName(whose))
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
		if c.again(m.ID, c.print.bytes(fmt.Append(nil, *m.Pointer))) {
			return nil
		}
		objects = []deadletter.Pointer{*m.Pointer}
	}
	for _, pointer := range objects {
		source, ours := deadletter.NewSource(contract.ErrorPrefix, pointer.Bucket, pointer.Key, pointer.VersionID)
		if !ours || source.Stream != c.config.Kind {
			continue
		}
		err := c.readPointer(pointer, source.Stage, func(f *deadletter.Failure, stage deadletter.Stage) error {
			// The letter that the record has, or would have, of its own.
			id := source.Record(&deadletter.Failure{Offset: pointer.Offset + f.Offset}).ID
			return c.addLetter(id, stage, f.DocumentID, f.RawData, whose, raw, out)
		})
		if errors.Is(err, fs.ErrNotExist) {
			c.find(Missing, inErrors, 0, pointer.Key)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// addLetter adds a failed record that is in the queue. One that is there again, told by its letter's id, counts once.
func (c *checker) addLetter(id string, stage deadletter.Stage, document string, record []byte, whose uint64, raw, out *ledger) error {
	if n, ok := c.numberOf(document); ok && n < int64(len(c.known)) {
		c.known[n] |= documentID
	}
	if c.again(id, c.print.bytes(record)) {
		return nil
	}
	return c.addFailed(stage, record, whose, raw, out)
}

// again reports whether a letter with this id and content has been read. With another content it is none that the id tells.
func (c *checker) again(id string, content uint64) bool {
	key := c.print.bytes([]byte(id))
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

func (c *checker) addFailed(stage deadletter.Stage, record []byte, whose uint64, raw, out *ledger) error {
	if stage == deadletter.Transform {
		return raw.add(c.print.bytes(record), whose)
	}
	return out.add(c.print.record(record), whose)
}

// readPointer calls do for each failed record in a range of an error object; its offset is that in the range.
func (c *checker) readPointer(p deadletter.Pointer, stage deadletter.Stage, do func(*deadletter.Failure, deadletter.Stage) error) error {
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
	return readFailures(content, stage, func(_ int64, f *deadletter.Failure, stage deadletter.Stage) error { return do(f, stage) })
}

// readFailures calls do for each document of an error object, with its number from 1.
func readFailures(content io.Reader, stage deadletter.Stage, do func(number int64, f *deadletter.Failure, stage deadletter.Stage) error) error {
	reader := deadletter.NewReader(content)
	for number := int64(1); ; number++ {
		failure, err := reader.Next()
		var unreadable *deadletter.UnreadableError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &unreadable):
			continue // its record is missing then
		case err != nil:
			return err
		}
		of := failure.Stage
		if of == deadletter.UnknownStage {
			of = stage
		}
		if err := do(number, failure, of); err != nil {
			return err
		}
	}
}

// errorObjects compares the error objects with the records that have a letter.
func (c *checker) errorObjects() error {
	expected := c.ledger()
	found := c.ledger()
	err := c.journal.read(func(e *entry) error {
		switch {
		case c.known[e.index]&lostFailure != 0:
		case c.lettered[e.number] == letterRaw || e.fate == toLetter:
			return expected.add(e.raw, uint64(e.number))
		case c.lettered[e.number] == letterOut || e.fate == toErrors:
			return expected.add(e.out, uint64(e.number))
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.walk(contract.ErrorPrefix+string(c.config.Kind)+"/", func(key string, file *os.File) error {
		source, _ := deadletter.NewSource(contract.ErrorPrefix, c.bucket, key, "")
		place, err := c.newPlace(key)
		if err != nil {
			return err
		}
		return readFailures(file, source.Stage, func(number int64, f *deadletter.Failure, stage deadletter.Stage) error {
			return c.addFailed(stage, f.RawData, c.place(place, number), found, found)
		})
	})
	if err != nil {
		return err
	}
	return compare(expected, found, func(expected, found []mark) error {
		c.settle(inErrors, expected, found)
		return nil
	})
}

// walk opens the objects whose keys begin with the prefix, as far as it is literal, in order of their keys.
func (c *checker) walk(prefix string, do func(key string, file *os.File) error) error {
	literal, _, _ := strings.Cut(prefix, "!{")
	root := c.folder.Path(path.Join(results.ObjectsDir, c.bucket))
	return filepath.WalkDir(filepath.Join(root, filepath.FromSlash(path.Dir(literal+"x"))), func(name string, entry fs.DirEntry, err error) error {
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

// store compares the documents in the store with the records that have no letter.
func (c *checker) store(where string, read func(found *ledger) error) error {
	expected := c.ledger()
	found := c.ledger()
	err := c.journal.read(func(e *entry) error {
		if e.fate != toStore || c.known[e.index]&(lostStore|lostFailure) != 0 {
			return nil
		}
		how := needed
		if c.lettered[e.number] != noLetter {
			if how = excluded; c.known[e.index]&documentID != 0 {
				how = allowed
			}
		}
		for _, row := range e.rows {
			if err := expected.add(row, uint64(e.number)<<2|uint64(how)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := read(found); err != nil {
		return err
	}
	return compare(expected, found, func(expected, found []mark) error {
		c.settleStore(where, expected, found)
		return nil
	})
}

// presence is whether a record has to be in the store.
type presence byte

const (
	needed   presence = iota
	allowed           // it has a dead letter that names the document: an answer was lost
	excluded          // it has a dead letter that does not tell of the store
)

// settleStore is settle for marks with a presence. What is needed accounts for what is found first.
func (c *checker) settleStore(where string, expected, found []mark) {
	var marks [3][]mark
	for _, m := range expected {
		how := presence(m.whose & 3)
		m.whose >>= 2
		marks[how] = append(marks[how], m)
	}
	left := found[min(len(found), len(marks[needed])):]
	second := min(len(left), len(marks[allowed]))
	c.report.Duplicates.Stored += int64(second)
	left = left[second:]
	if len(left) == 0 {
		c.settle(where, marks[needed], found[:min(len(found), len(marks[needed]))])
		return
	}
	for _, m := range left {
		switch {
		case len(expected) == 0:
			c.find(Unknown, where, 0, c.placeName(m.whose))
		case len(marks[excluded]) > 0: // named by what has no place there
			c.find(Doubled, where, int64(marks[excluded][0].whose), c.placeName(m.whose))
		default:
			c.find(Doubled, where, int64(expected[0].whose>>2), c.placeName(m.whose))
		}
	}
}

// lake reads the lake's objects: rows of Parquet, or lines.
func (c *checker) lake(to *template.S3Destination, found *ledger) error {
	return c.walk(to.Prefix, func(key string, file *os.File) error {
		place, err := c.newPlace(key)
		if err != nil {
			return err
		}
		if to.Conversion == nil {
			return c.lines(file, to.Compression, place, found)
		}
		info, err := file.Stat()
		if err != nil {
			return err
		}
		row := int64(0)
		err = c.print.file(file, info.Size(), func(print uint64) error {
			row++
			return found.add(print, c.place(place, row))
		})
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
}

// indices reads the documents of all indices.
func (c *checker) indices(found *ledger) error {
	entries, err := os.ReadDir(c.folder.Path(results.IndicesDir))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := results.IndicesDir + "/" + entry.Name()
		place, err := c.newPlace(name)
		if err != nil {
			return err
		}
		file, err := os.Open(c.folder.Path(name))
		if err != nil {
			return err
		}
		if err := errors.Join(c.lines(file, "", place, found), file.Close()); err != nil {
			return err
		}
	}
	return nil
}

// lines reads a file of one document a line.
func (c *checker) lines(file *os.File, compression string, place int, found *ledger) error {
	content, err := unpack(file, compression)
	if err != nil {
		return fmt.Errorf("%s: %w", c.places[place], err)
	}
	in := bufio.NewReaderSize(content, 64<<10)
	for line := int64(1); ; line++ {
		document, err := in.ReadBytes('\n')
		if len(document) > 0 {
			if err := found.add(c.print.document(trimDocument(document)), c.place(place, line)); err != nil {
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

// name looks up the event_id of every record that was found wrong.
func (c *checker) name() error {
	if len(c.findings) == 0 {
		return nil
	}
	wanted := map[int64][]int{}
	for i, f := range c.findings {
		if f.Record > 0 {
			wanted[f.Record] = append(wanted[f.Record], i)
		}
	}
	return c.journal.read(func(e *entry) error {
		for _, i := range wanted[e.number] {
			c.findings[i].EventID = string(e.eventID)
		}
		return nil
	})
}
