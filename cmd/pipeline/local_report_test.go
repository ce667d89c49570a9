package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/template"
)

// golden compares with a file of testdata/report, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "report", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got\n%s\nwant\n%s", path, got, want)
	}
}

var full = local.Report{
	Events: 1_234_567,
	Streams: local.StreamCounts{
		Lake: local.LakeCounts{Counts: local.Counts{Received: 1_234_567, Delivered: 1_234_000, Dropped: 560, Failed: 7},
			Objects: 12},
		Search: &local.SearchCounts{Counts: local.Counts{Received: 1_234_567, Delivered: 1_233_998, Dropped: 560,
			Failed: 9},
			Indices: map[string]int64{"events-2026-11-24": 1, "events-2026-11-23": 1_233_997}},
	},
	DeadLetter:     local.DeadLetter{Messages: 16},
	ElapsedSeconds: 12.3456,
}

var streams = []local.StreamInfo{
	{Name: "LakeStream", Kind: event.Lake, Config: template.Stream{S3: &template.S3Destination{
		S3Output:   template.S3Output{Prefix: "transformed-data/year=!{timestamp:yyyy}/"},
		Conversion: &template.Conversion{},
		Backup:     &template.S3Output{Prefix: "source-data/year=!{timestamp:yyyy}/"},
	}}},
	{Name: "SearchStream", Kind: event.Search, Config: template.Stream{Transform: &template.Processor{
		Function: template.Function{Environment: map[string]string{"DROP_EVENT_TYPES": `["heartbeat","a b\u001b"]`}}}}},
}

const queueFile = `{"version":1,"kind":"record","id":"1","stream":"lake","stage":"transform","reason":"InvalidJson","pointer":{"bucket":"b","key":"k","offset":0}}
{"version":1,"kind":"record","id":"2","stream":"lake","stage":"transform","reason":"TooDeep","pointer":{"bucket":"b","key":"k","offset":0}}
{"version":1,"kind":"record","id":"3","stream":"lake","stage":"transform","reason":"TooDeep","pointer":{"bucket":"b","key":"k","offset":0}}
{"version":1,"kind":"object","id":"4","stream":"search","stage":"search","reason":"MoreRecords","counts":{"SearchRejected":5},"pointer":{"bucket":"b","key":"k","offset":0}}
"hello"
`

func readQueueFile(t *testing.T) letters {
	t.Helper()
	path := filepath.Join(t.TempDir(), "queue")
	if err := os.WriteFile(path, []byte(queueFile), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := readLetters(path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestReport(t *testing.T) {
	text := func(r textReport) string {
		var b strings.Builder
		r.writeText(&b)
		return b.String()
	}
	t.Run("for programs", func(t *testing.T) {
		got, err := jsonReport(full, putLines{}, 0, &audit.Report{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "full.json", string(got))
	})
	t.Run("for programs, without search and with a record rejected", func(t *testing.T) {
		r := full
		r.Streams.Search = nil
		got, err := jsonReport(r, putLines{}, 3, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "lake-only.json", string(got))
	})
	t.Run("for people", func(t *testing.T) {
		golden(t, "full.txt", text(textReport{out: "my out", bucket: "bucket", streams: streams, report: full,
			rejected: 2, letters: readQueueFile(t),
			checked: &audit.Report{Records: 2_469_134}}))
	})
	t.Run("for people, interrupted and with findings", func(t *testing.T) {
		golden(t, "findings.txt", text(textReport{out: "out", bucket: "bucket", streams: streams[:1], interrupted: true,
			report: local.Report{Events: 1, Streams: local.StreamCounts{Lake: local.LakeCounts{Counts: local.Counts{Received: 1}}}},
			checked: &audit.Report{Records: 1, Findings: []audit.Finding{
				{Problem: audit.Missing, Stream: event.Lake, Record: 7, EventID: "e-7", Where: "lake"},
				{Problem: audit.Unknown, Stream: event.Lake, Where: "lake", Place: "x.parquet, row 3"},
			}}}))
	})
	t.Run("for people, nothing put", func(t *testing.T) {
		golden(t, "nothing.txt", text(textReport{out: "out", streams: streams,
			report: local.Report{Streams: local.StreamCounts{Search: &local.SearchCounts{}}}}))
	})
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"out/s3/a_b-c.d=e": "out/s3/a_b-c.d=e",
		"":                 `""`,
		"my out":           `"my out"`,
		"it's":             `"it's"`,
		"$HOME":            `'$HOME'`,
		"it's $HOME":       `'it'\''s $HOME'`,
	} {
		if got := quote(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
