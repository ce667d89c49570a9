package replay

// past is what the reading of the canary leaves for the reading of the rest, so that each letter is counted once.
type past struct {
	outcomes map[string]Outcome // of the letters that are counted, by id
	messages map[string]bool    // that were received, by SQS's id
	open     map[string]func()  // count letters that the rest may finish
}

func newPast() *past {
	return &past{outcomes: map[string]Outcome{}, messages: map[string]bool{}, open: map[string]func(){}}
}

// settle counts the letters that stayed open.
func (p *past) settle() {
	for _, count := range p.open {
		count()
	}
}

// count counts a letter and its records, once in both readings of a run with a canary.
func (q *reading) count(l *letter) {
	if l.counted {
		return
	}
	add := func() {
		for _, record := range l.records {
			q.tally.record(record, l.key().kind)
		}
		q.tally.letter(l.key(), l.outcome)
	}
	if q.past != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		switch {
		case q.trial && l.outcome == Open:
			q.past.open[l.id] = add
			return
		case q.trial:
			q.past.outcomes[l.id] = l.outcome
		default:
			delete(q.past.open, l.id)
		}
	}
	add()
}
