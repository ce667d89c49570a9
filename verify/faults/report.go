package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const tableHead = "| Fault | Events | Injected | Lake: delivered, dropped, failed " +
	"| Search: delivered, dropped, failed | Messages in the queue " +
	"| Duplicates: dead letters, documents with a dead letter, overwritten " +
	"| Declared losses | Missing |\n" +
	"| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"

// lossyFault is the one fault with which AWS declares losses: S3 is down for longer than Firehose retries.
const lossyFault = "s3-down:25h"

// runReport is the part of the report of `pipeline local --check --format json` that is checked.
type runReport struct {
	Events    int64                    `json:"events"`
	NotEvents int64                    `json:"notEvents"` // lines that are not events are put all the same
	Streams   map[string]*streamCounts `json:"streams"`
	// DataStream is there with ingestion kinesis: a stream then receives the records that it reads, some of them twice.
	DataStream *struct {
		Records int64 `json:"records"`
	} `json:"dataStream"`
	DeadLetter struct {
		Messages int64 `json:"messages"`
	} `json:"deadLetter"`
	Faults map[string]int64 `json:"faults"`
	Check  *checkCounts     `json:"check"`
}

type streamCounts struct {
	Received, Delivered, Dropped, Failed, Discarded int64
}

type checkCounts struct {
	Records        int64             `json:"records"`
	Findings       []json.RawMessage `json:"findings"`
	Duplicates     map[string]int64  `json:"duplicates"`
	DeclaredLosses map[string]int64  `json:"declaredLosses"`
}

// checkReport checks that the report of a run with a fault accounts for every record, and returns its row of the table.
func checkReport(text []byte, fault string) (string, error) {
	var r runReport
	if err := json.Unmarshal(text, &r); err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	lake, search := r.Streams["lake"], r.Streams["search"]
	if lake == nil || search == nil || r.Check == nil || len(r.Faults) == 0 {
		return "", errors.New("report: must have the streams lake and search, a check and faults")
	}
	put := r.Events + r.NotEvents
	toLake, toSearch := put, put
	if d := r.DataStream; d != nil { // whose own records the check compares with those read
		if d.Records < put || lake.Received < d.Records || search.Received < d.Records {
			return "", fmt.Errorf("%d sent, %d put to the data stream, %d and %d read", put, d.Records, lake.Received,
				search.Received)
		}
		toLake, toSearch = lake.Received, search.Received
	}
	if err := errors.Join(lake.checkSum("lake", toLake), search.checkSum("search", toSearch), r.checkFaults()); err != nil {
		return "", err
	}
	if r.Check.Records != toLake+toSearch {
		return "", fmt.Errorf("%d records checked, want %d", r.Check.Records, toLake+toSearch)
	}
	if n := len(r.Check.Findings); n > 0 {
		return "", fmt.Errorf("%d findings", n)
	}
	losses := formatCounts(r.Check.DeclaredLosses, func(where, n string) string { return n + " " + where })
	if (losses != "") != (fault == lossyFault) {
		return "", fmt.Errorf("declared losses: %s", orNone(losses))
	}
	duplicates, err := r.Check.formatDuplicates()
	if err != nil {
		return "", err
	}
	return "| " + strings.Join([]string{
		"`" + fault + "`", formatNumbers(put), r.formatInjected(), lake.formatCell(), search.formatCell(),
		formatNumbers(r.DeadLetter.Messages), duplicates, orNone(losses), formatNumbers(int64(len(r.Check.Findings))),
	}, " | ") + " |", nil
}

// checkSum checks that a stream has received every record put, and accounts for it once.
func (s *streamCounts) checkSum(name string, put int64) error {
	accounted := s.Delivered + s.Dropped + s.Failed + s.Discarded
	if s.Received != put || accounted != s.Received {
		return fmt.Errorf("%s: %d put, %d received, %d accounted for", name, put, s.Received, accounted)
	}
	return nil
}

func (s *streamCounts) formatCell() string { return formatNumbers(s.Delivered, s.Dropped, s.Failed) }

// checkFaults checks that each fault was injected.
func (r *runReport) checkFaults() error {
	for _, name := range slices.Sorted(maps.Keys(r.Faults)) {
		if r.Faults[name] == 0 {
			return fmt.Errorf("%s was never injected", name)
		}
	}
	return nil
}

// formatInjected returns how often each fault was injected, named where there are several.
func (r *runReport) formatInjected() string {
	several := len(r.Faults) > 1
	return formatCounts(r.Faults, func(name, n string) string {
		if several {
			return name + " " + n
		}
		return n
	})
}

// formatDuplicates returns the three counts of duplicates, all of which must be in the report.
func (c *checkCounts) formatDuplicates() (string, error) {
	var numbers []int64
	for _, name := range []string{"letters", "stored", "overwritten"} {
		n, ok := c.Duplicates[name]
		if !ok {
			return "", fmt.Errorf("report: check.duplicates has no %s", name)
		}
		numbers = append(numbers, n)
	}
	return formatNumbers(numbers...), nil
}

// formatCounts joins named numbers, by name.
func formatCounts(counts map[string]int64, format func(name, n string) string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, format(name, formatNumbers(counts[name])))
	}
	return strings.Join(parts, ", ")
}

// formatNumbers joins numbers, each with a comma before every three digits.
func formatNumbers(numbers ...int64) string {
	var parts []string
	for _, n := range numbers {
		digits := strconv.FormatInt(n, 10)
		for at := len(digits) - 3; at > 0; at -= 3 {
			digits = digits[:at] + "," + digits[at:]
		}
		parts = append(parts, digits)
	}
	return strings.Join(parts, " · ")
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
