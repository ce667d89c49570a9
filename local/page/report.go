package page

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"firehose-pipeline/local"
	"firehose-pipeline/local/journey"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/sqs"
)

// The limits of a report: it stays a few megabytes for any run. The results folder has everything.
const (
	reportLetters    = 200     // of each group
	reportBytes      = 3 << 20 // of dead letters together
	reportRecord     = 1000    // bytes of each record
	reportFiles      = 200     // of each area
	reportFilesShown = 20      // of each area, with their first rows
	reportRowBytes   = 1 << 20 // of rows together
	reportEvents     = 8       // that can be followed
	reportPatience   = 200 * time.Millisecond
)

// leftOut is the note in place of a record. A report is passed on, so it leaves out records as they were sent when the
// schema protects a field.
const leftOut = "The report leaves out the record as sent, because the event schema protects a field (x-protect)."

// report is the data of the page as a file.
type report struct {
	State   json.RawMessage         `json:"state"`
	Letters []reportGroup           `json:"letters"`
	Files   map[local.Area]filePage `json:"files"`
	Rows    []reportRows            `json:"rows"`
	Events  []journey.Journey       `json:"events"`
	// Places of the rest.
	LettersFile string `json:"lettersFile"`
	FilesFolder string `json:"filesFolder"`
}

type reportGroup struct {
	local.LetterGroup
	letterPage
	Total int64 `json:"total"` // in the queue
}

type reportRows struct {
	Area local.Area `json:"area"`
	Key  string     `json:"key"`
	rowPage
}

// WriteReport writes the page with its data into the folder of results, and returns the file's path. The run must have
// been flushed.
func (p *Page) WriteReport(ctx context.Context) (path string, err error) {
	path = results.Path(p.run.Pipeline.Out(), results.ReportFile)
	data, err := p.gatherReport(ctx)
	if err != nil {
		return path, fmt.Errorf("writing %s: %w", results.ReportFile, err)
	}
	// As any result it appears whole or not at all.
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	file, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return path, fmt.Errorf("writing %s: %w", results.ReportFile, err)
	}
	w := bufio.NewWriter(file)
	if err = errors.Join(writeReport(w, data), w.Flush(), file.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return path, fmt.Errorf("writing %s: %w", results.ReportFile, errors.Join(err, os.Remove(tmp)))
	}
	return path, nil
}

func (p *Page) gatherReport(ctx context.Context) (r report, err error) {
	r = report{Letters: []reportGroup{}, Rows: []reportRows{}, Events: []journey.Journey{},
		Files: map[local.Area]filePage{}}
	out := p.run.Pipeline.Out()
	r.LettersFile, r.FilesFolder = show(results.Path(out, results.QueueFile), maxValue), show(out, maxValue)
	if r.State, _, err = p.sampler.read(); err != nil {
		return r, err
	}
	ids, err := p.gatherLetters(&r)
	if err != nil {
		return r, err
	}
	rowIDs, err := p.gatherFiles(&r)
	if err != nil {
		return r, err
	}
	ids = slices.Compact(append(ids, rowIDs...))
	r.Events, err = journey.FollowAll(ctx, p.run.Pipeline, ids[:min(len(ids), reportEvents)], p.patience)
	if p.run.Pipeline.Protects() {
		removeRecords(r.Events)
	}
	return r, err
}

// removeRecords removes the records that did not pass the transform.
func removeRecords(events []journey.Journey) {
	for _, e := range events {
		for i := range e.Steps {
			if step := &e.Steps[i]; step.Stage == journey.Source || step.Stage == journey.ErrorObject {
				step.Text, step.Note = "", leftOut
			}
		}
	}
}

// gatherLetters adds the first dead letters of each group, in one pass over the queue, and returns the ids of the first
// event of each.
func (p *Page) gatherLetters(r *report) (ids []string, err error) {
	groups := map[local.LetterGroup]*reportGroup{}
	var order []*reportGroup
	bytes := 0
	err = p.run.Pipeline.Letters(0, func(m sqs.Message) bool {
		key := local.GroupOf(m)
		group := groups[key]
		if group == nil {
			group = &reportGroup{LetterGroup: key}
			groups[key], order = group, append(order, group)
		}
		group.Total++
		if len(group.Letters) < reportLetters && bytes < reportBytes {
			l := showLetter(m, reportRecord)
			if p.run.Pipeline.Protects() {
				l.Record = nil
			}
			if bytes += l.size(); len(group.Letters) == 0 && l.id != "" {
				ids = append(ids, l.id)
			}
			group.Letters = append(group.Letters, l)
		}
		return true
	})
	for _, group := range order {
		group.LetterGroup = letterOf(local.LetterCount{LetterGroup: group.LetterGroup}).LetterGroup
		r.Letters = append(r.Letters, *group)
	}
	return ids[:min(len(ids), reportEvents/2)], err
}

// size is about the bytes of a dead letter in the report.
func (l *letter) size() int {
	n := 300 + len(l.Message) + len(l.Place) + len(l.Document)
	if l.Record != nil {
		n += len(l.Record.Before) + len(l.Record.After)
	}
	return n
}

// gatherFiles adds the files and their first rows, and returns the ids of the first events of the lake.
func (p *Page) gatherFiles(r *report) (ids []string, err error) {
	bytes := 0
	for _, area := range []local.Area{local.AreaLake, local.AreaSource, local.AreaErrors, areaIndex} {
		page, err := listFiles(p.run.Pipeline, area, "", reportFiles)
		if err != nil {
			return nil, err
		}
		r.Files[area] = page
		if p.run.Pipeline.Protects() && (area == local.AreaSource || area == local.AreaErrors) {
			continue
		}
		for _, f := range page.Files[:min(len(page.Files), reportFilesShown)] {
			if bytes > reportRowBytes {
				break
			}
			rows, err := readRows(p.run.Pipeline, area, f.Key, 0, rowsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, line := range append(rows.Rows, rows.Lines) {
				for _, text := range line {
					bytes += len(text)
				}
			}
			if area == local.AreaLake && len(ids) == 0 {
				ids = p.idsOf(rows)
			}
			r.Rows = append(r.Rows, reportRows{area, f.Key, rows})
		}
	}
	return ids, nil
}

// idsOf returns the ids of rows of the lake, when the id is a column of its own.
func (p *Page) idsOf(rows rowPage) (ids []string) {
	declared := p.run.Pipeline.EventSchema()
	if declared.EventID == nil {
		return nil
	}
	for i, c := range rows.Columns {
		if c.Name == declared.EventID.Column {
			for _, row := range rows.Rows {
				ids = append(ids, row[i])
			}
		}
	}
	return ids
}
