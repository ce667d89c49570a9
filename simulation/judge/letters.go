package judge

import (
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// letter is a dead letter, as the judge reads it.
type letter struct {
	id, place string // of a record
	records   []failedRecord
}

// failedRecord is one event of a failed record.
type failedRecord struct{ stream, token, place string }

// readLetters reads every message that was ever in the queue.
func (v *verdict) readLetters() {
	for _, m := range v.Messages {
		v.letters[m] = v.readLetter(m.Body)
	}
}

type pointer struct {
	Key       string `json:"key"`
	VersionID string `json:"versionId"`
	Offset    int64  `json:"offset"`
	Length    int64  `json:"length"`
}

func (v *verdict) readLetter(body string) *letter {
	var m struct {
		Kind           string   `json:"kind"`
		ID             string   `json:"id"`
		Stream         string   `json:"stream"`
		Pointer        *pointer `json:"pointer"`
		RawData        []byte   `json:"rawData"`
		RequestPayload struct {
			Records []struct {
				S3 struct {
					Object struct {
						Key       string `json:"key"`
						VersionID string `json:"versionId"`
					} `json:"object"`
				} `json:"s3"`
			} `json:"Records"`
		} `json:"requestPayload"`
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		v.fail("letter", "%q: %v", body, err)
		return &letter{}
	}
	l := &letter{}
	switch m.Kind {
	case "record":
		l.id, l.place = m.ID, place(m.Pointer.Key, m.Pointer.VersionID, m.Pointer.Offset)
		for _, token := range Tokens(m.RawData) {
			l.records = append(l.records, failedRecord{m.Stream, token, l.place})
		}
	case "object":
		l.follow(v, *m.Pointer)
	default:
		for _, r := range m.RequestPayload.Records {
			key, err := url.QueryUnescape(r.S3.Object.Key)
			if err != nil {
				v.fail("letter", "%q: %v", body, err)
			}
			l.follow(v, pointer{Key: key, VersionID: r.S3.Object.VersionID})
		}
	}
	return l
}

// follow adds the records in the part of an error object that a pointer leads to.
func (l *letter) follow(v *verdict, p pointer) {
	o := v.objects[p.Key+" "+p.VersionID]
	if o == nil {
		v.fail("letter", "a pointer leads to %s, version %q, which does not exist", p.Key, p.VersionID)
		return
	}
	stream := streamOf(p.Key)
	for _, f := range failures(o) {
		if f.offset < p.Offset || p.Length > 0 && f.offset >= p.Offset+p.Length {
			continue
		}
		for _, token := range Tokens(f.RawData) {
			l.records = append(l.records, failedRecord{stream, token, place(p.Key, p.VersionID, f.offset)})
		}
	}
}

// checkLetters: the dead letters of one failed record share an id, and those of two do not.
func (v *verdict) checkLetters() {
	ids, places := map[string]string{}, map[string]string{}
	for _, m := range v.Messages {
		l := v.letters[m]
		if l.id == "" {
			continue
		}
		if id, ok := ids[l.place]; ok && id != l.id {
			v.fail("identity", "the dead letters of the record at %s have the ids %s and %s", l.place, id, l.id)
		}
		if at, ok := places[l.id]; ok && at != l.place {
			v.fail("identity", "the dead letters of the records at %s and %s have one id", at, l.place)
		}
		ids[l.place], places[l.id] = l.id, l.place
	}
}

// checkDeletions: a dead letter was deleted only after its record was accepted again. For all failed records of an
// event whose dead letters are gone, as many replays of it were accepted before.
func (v *verdict) checkDeletions() {
	for _, m := range v.Messages {
		if len(m.Deletions) == 0 {
			continue
		}
		at := m.Deletions[0].At
		for _, r := range v.letters[m].records {
			accepted := 0
			for _, a := range v.Accepts {
				if a.Stream == r.stream && a.By.Replay && slices.Contains(a.Tokens, r.token) && !a.At.After(at) {
					accepted++
				}
			}
			if accepted < v.countGone(r, at) {
				v.fail("deletion", "%s deleted %s, the dead letter of %s of %s, and no stream had accepted it",
					m.Deletions[0].By, m.ID, r.token, r.stream)
			}
		}
	}
}

// countGone is how many failed records of an event had lost their dead letters at a time.
func (v *verdict) countGone(of failedRecord, at time.Time) int {
	places := map[string]bool{}
	for _, m := range v.Messages {
		if len(m.Deletions) == 0 || m.Deletions[0].At.After(at) {
			continue
		}
		for _, r := range v.letters[m].records {
			if r.stream == of.stream && r.token == of.token {
				places[r.place] = true
			}
		}
	}
	return len(places)
}

// checkStates: a run with the state of an earlier run does not put again what that one has put and written down, and no
// two runs use a state at once.
func (v *verdict) checkStates() {
	type put struct{ state, stream, token string }
	for _, r := range v.Runs {
		if r.StateRejected != "" {
			v.fail("state", "%s rejects the state file that a run before it left: %s", r.Name, r.StateRejected)
		}
		v.checkStateInUse(r)
		if r.State == "" || r.Letters.Source {
			continue
		}
		again := map[put]bool{}
		for _, a := range v.Accepts {
			if a.By != r {
				continue
			}
			for _, token := range a.Tokens {
				again[put{r.State, a.Stream, token}] = true
			}
		}
		before := map[put]int{}
		for _, a := range v.Accepts {
			if a.By == r || a.By.State != r.State || !a.Known || !a.Whole || a.By.Letters.Source ||
				a.By.Ended.IsZero() || !a.By.Ended.Before(r.Began) {
				continue
			}
			for _, token := range a.Tokens {
				before[put{r.State, a.Stream, token}]++
			}
		}
		for p := range again {
			most := 1
			if r.Replay {
				most = len(v.failed[p.stream][p.token])
			}
			if before[p] >= most {
				v.fail("state", "%s put %s to %s again, which a run before it had put and written into the same state",
					r.Name, p.token, p.stream)
			}
		}
	}
}

// checkStateInUse: a run begins if and only if no other one uses its state.
func (v *verdict) checkStateInUse(r *Run) {
	var user *Run
	for _, other := range v.Runs {
		if other == r {
			break // those after it began later
		}
		if other.State == r.State && r.State != "" && !other.StateInUse && other.StateRejected == "" &&
			(other.Ended.IsZero() || other.Ended.After(r.Began)) {
			user = other
		}
	}
	switch {
	case r.StateInUse && user == nil:
		v.fail("state", "%s did not begin because another run used its state, and none did", r.Name)
	case !r.StateInUse && user != nil:
		v.fail("state", "%s and %s used one state at once", user.Name, r.Name)
	}
}
