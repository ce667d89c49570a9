package page

import (
	"fmt"
	"maps"
	"slices"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/printable"
	"firehose-pipeline/local"
	"firehose-pipeline/local/sqs"
)

// letterPage are some dead letters of a group.
type letterPage struct {
	Letters []letter `json:"letters"`
	// Next is where the list goes on; 0 at its end.
	Next uint64 `json:"next"`
}

// letter is one message of the dead-letter queue. All texts are printable and bounded.
type letter struct {
	Sequence    uint64        `json:"sequence"`
	Sent        string        `json:"sent"`
	EventID     string        `json:"eventId"`
	Arrival     string        `json:"arrival"`
	Code        string        `json:"code"`
	Message     string        `json:"message"`
	Attempts    int           `json:"attempts"`
	Place       string        `json:"place"`
	Document    string        `json:"document"`
	Record      *excerpt      `json:"record,omitempty"`
	Counts      []reasonCount `json:"counts,omitempty"`
	Explanation string        `json:"explanation"`

	id string // the event's, as it is
}

type reasonCount struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// excerpt is a part of a record. With an offset it is the part around that byte, At.
type excerpt struct {
	Before string `json:"before"`
	At     string `json:"at"`
	After  string `json:"after"`
	Offset *int   `json:"offset,omitempty"`
	Bytes  int    `json:"bytes"` // of the whole record
	Cut    bool   `json:"cut"`
}

// readLetters returns up to limit messages of a group, those behind one.
func readLetters(p *local.Pipeline, group local.LetterGroup, after uint64, limit int) (letterPage, error) {
	page := letterPage{Letters: []letter{}}
	last := after
	err := p.Letters(after, func(m sqs.Message) bool {
		if local.GroupOf(m) != group {
			return true
		}
		if len(page.Letters) == limit {
			page.Next = last
			return false
		}
		last = m.Sequence
		page.Letters = append(page.Letters, showLetter(m, maxRecord))
		return true
	})
	if err != nil {
		return page, fmt.Errorf("reading dead letters: %w", err)
	}
	return page, nil
}

func showLetter(m sqs.Message, recordBytes int) letter {
	l := letter{Sequence: m.Sequence, Sent: formatTime(m.Sent)}
	parsed, err := deadletter.Parse([]byte(m.Body))
	if err != nil {
		l.Message, l.Explanation = printable.Clip(m.Body, recordBytes), explain("")
		return l
	}
	l.id = parsed.EventID
	l.EventID, l.Arrival = show(parsed.EventID, maxValue), show(parsed.ArrivalTime, 40)
	l.Code, l.Message = show(parsed.ErrorCode, maxValue), show(parsed.ErrorMessage, maxRecord)
	l.Attempts, l.Explanation = parsed.Attempts, explain(parsed.Reason)
	if parsed.Pointer != nil {
		l.Place = fmt.Sprintf("%s, byte %d", show(parsed.Pointer.Key, maxValue), parsed.Pointer.Offset)
	}
	if parsed.Index != "" {
		l.Document = fmt.Sprintf("%s, id %s", show(parsed.Index, maxValue), show(parsed.DocumentID, maxValue))
	}
	if parsed.RawData != nil {
		l.Record = excerptOf(parsed.RawData, parsed.ReasonOffset, recordBytes)
	}
	for _, reason := range slices.Sorted(maps.Keys(parsed.Counts)) {
		l.Counts = append(l.Counts, reasonCount{show(string(reason), 80), parsed.Counts[reason]})
	}
	return l
}

// excerptOf returns the beginning of a record, or the part around the byte at which the check found the fault.
func excerptOf(record []byte, offset *int, most int) *excerpt {
	x := &excerpt{Bytes: len(record), Offset: offset, Cut: len(record) > most}
	if offset == nil || *offset < 0 || *offset > len(record) {
		x.Before, x.Offset = printable.Text(string(record[:min(len(record), most)])), nil
		return x
	}
	at := *offset
	from := max(0, min(at-most/2, len(record)-most))
	to := min(len(record), from+most)
	end := min(at+1, to)
	x.Before, x.At = printable.Text(string(record[from:at])), printable.Text(string(record[at:end]))
	x.After = printable.Text(string(record[end:to]))
	return x
}

// groupFrom returns the group that a query names.
func groupFrom(get func(string) string) local.LetterGroup {
	return local.LetterGroup{Stream: event.Stream(get("stream")), Stage: errorobject.Stage(get("stage")),
		Reason: deadletter.Reason(get("reason")), Kind: deadletter.Kind(get("kind"))}
}
