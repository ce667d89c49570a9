package replay

import "hash/maphash"

// past has the results of the canary's reading for the reading of the rest, so that each dead letter is counted once.
type past struct {
	outcomes map[string]Outcome // of the dead letters that are counted, by id
	messages map[string]bool    // that were received, by SQS's id
	open     map[string]func()  // count dead letters that the rest may finish
}

func newPast() *past {
	return &past{outcomes: map[string]Outcome{}, messages: map[string]bool{}, open: map[string]func(){}}
}

// countOpen counts the dead letters that stayed open.
func (p *past) countOpen() {
	for _, count := range p.open {
		count()
	}
}

// doneKey is the beginning of a dead letter's id, which is a hash: all of it for millions of them would be too much
// memory.
type doneKey [16]byte

// noteDone notes a dead letter that is done: a further message with it is not counted again. The mutex is held.
func (q *queueReader) noteDone(l *letter) {
	if l.body != nil {
		q.done[doneKey([]byte(l.id))] = maphash.String(q.seed, l.message)
	}
}

// wasDone reports whether a dead letter is done in this reading, and whether this is the message that it was in. The
// mutex is held.
func (q *queueReader) wasDone(l *letter) (done, sameMessage bool) {
	if l.body == nil {
		return false, false
	}
	message, done := q.done[doneKey([]byte(l.id))]
	return done, message == maphash.String(q.seed, l.message)
}

// countLetter counts a dead letter and its records, once in both readings of a run with a canary.
func (q *queueReader) countLetter(l *letter) {
	if l.counted {
		return
	}
	add := func() {
		for _, record := range l.records {
			q.tally.addRecord(record, l.groupKey().kind)
		}
		q.tally.addLetter(l.groupKey(), l.outcome)
	}
	if q.past != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		switch {
		case q.isCanary && l.outcome == Open:
			q.past.open[l.id] = add
			return
		case q.isCanary:
			q.past.outcomes[l.id] = l.outcome
		default:
			delete(q.past.open, l.id)
		}
	}
	add()
}
