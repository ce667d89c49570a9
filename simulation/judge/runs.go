package judge

import (
	"slices"
	"time"
)

// checkRun: the report of a run matches what happened.
func (v *verdict) checkRun(r *Run) {
	if !r.Reported {
		return
	}
	known := map[string]int64{}
	for _, a := range v.Accepts {
		if a.By == r && a.Known {
			known[a.Stream]++
		}
	}
	for _, stream := range []string{lake, search} {
		if got := r.Records[stream]; got != known[stream] {
			v.fail("report", "%s reports %d records accepted by %s, and it got responses for %d", r.Name, got, stream,
				known[stream])
		}
	}
	switch {
	case !r.Replay:
		v.checkSend(r)
	case r.Letters.Queue:
		v.checkReplay(r)
	}
}

// checkSend: a run of send that ended well has sent every line.
func (v *verdict) checkSend(r *Run) {
	if r.Err != "" || r.Interrupted {
		return
	}
	if r.Sent.ResumedAfter+r.Sent.Lines != int64(len(v.Lines)) {
		v.fail("report", "%s ended well with %d lines after %d, of %d", r.Name, r.Sent.Lines, r.Sent.ResumedAfter,
			len(v.Lines))
	}
	accepted := map[string]map[string]bool{lake: {}, search: {}}
	for _, a := range v.Accepts {
		for _, token := range a.Tokens {
			accepted[a.Stream][token] = true
		}
	}
	for stream, tokens := range v.Rejected {
		for _, token := range tokens {
			accepted[stream][token] = true // declared
		}
	}
	for token := range v.lines {
		for _, stream := range []string{lake, search} {
			if !accepted[stream][token] {
				v.fail("report", "%s ended well, and %s did not accept %s, which was not kept as rejected", r.Name, stream, token)
			}
		}
	}
}

// checkReplay: a run over the queue has seen what its report claims.
func (v *verdict) checkReplay(r *Run) {
	l := r.Letters
	received := map[string]bool{} // dead letters, by content
	for _, m := range v.Messages {
		for _, receipt := range m.Receipts {
			if receipt.By == r.Name && receipt.Known {
				received[m.Body] = true
			}
		}
	}
	if l.Total > int64(len(received)) {
		v.fail("report", "%s counts %d dead letters, and received %d", r.Name, l.Total, len(received))
	}
	deleted := map[string]bool{}
	for _, m := range r.Confirmed {
		deleted[m.Body] = true
	}
	if l.Acted && l.Done-l.Undeleted > int64(len(deleted)) {
		v.fail("report", "%s reports %d dead letters as done and %d of them as not deleted, and deleted %d", r.Name,
			l.Done, l.Undeleted, len(deleted))
	}
	v.checkCanary(r)
	if r.Err != "" || r.Interrupted || !l.All || l.More || l.Lost > 0 {
		return
	}
	for _, m := range r.There {
		if wasThere(m, r) && !wasReceived(m, r) {
			v.fail("report", "%s ended as if it had seen every dead letter, and %s was there and did not reach it", r.Name,
				m.ID)
		}
	}
}

// wasThere reports whether nobody else had a message until the end of a run at whose begin it was visible.
func wasThere(m *Message, r *Run) bool {
	if m.Twice {
		return false
	}
	for _, receipt := range m.Receipts {
		if receipt.By != r.Name && !receipt.At.Before(r.Began) && receipt.At.Before(r.Ended) {
			return false
		}
	}
	return true
}

func wasReceived(m *Message, r *Run) bool {
	for _, receipt := range m.Receipts {
		if receipt.By == r.Name && receipt.Known {
			return true
		}
	}
	return false
}

// checkCanary: a run that watched the error output has seen the records of its own that failed again.
func (v *verdict) checkCanary(r *Run) {
	l := r.Letters
	if !l.Watched || l.CameBack > 0 || l.WatchEnded.IsZero() {
		return
	}
	ended := l.WatchEnded
	if r.Ended.Before(ended) {
		ended = r.Ended
	}
	for _, o := range v.Objects {
		stream := streamOf(o.Key)
		// It looks every 15 s, and once at the end.
		if stream == "" || !o.At.After(r.Began) || !o.At.Before(ended.Add(-time.Minute)) {
			continue
		}
		for _, f := range failures(o) {
			for _, token := range Tokens(f.RawData) {
				if a := v.lastAccept(r, stream, token); a != nil && a.Known && a.Arrival.UnixMilli() == f.Arrival {
					v.fail("canary", "%s watched the error output until after %s had failed again, and did not report it",
						r.Name, token)
				}
			}
		}
	}
}

// lastAccept is the last time that a stream accepted an event from a run; nil when it never did.
func (v *verdict) lastAccept(r *Run, stream, token string) (last *Accept) {
	for _, a := range v.Accepts {
		if a.By == r && a.Stream == stream && slices.Contains(a.Tokens, token) {
			last = a
		}
	}
	return last
}
