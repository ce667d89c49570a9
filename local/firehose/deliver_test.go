package firehose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	format "github.com/parquet-go/parquet-go"

	"github.com/aws/aws-lambda-go/events"

	"firehose-pipeline/local/template"
)

// uncompressed is the lake of JSON, with the processor out of the way.
func uncompressed(t *testing.T) template.Stream {
	s := configuration(t, "plain", "lake")
	return s
}

// names returns keys with the UUID, which says nothing, cut out.
func names(keys []string) string {
	for i, key := range keys {
		extension := path.Ext(key)
		key = strings.TrimSuffix(key, extension)
		keys[i] = key[:len(key)-uuidBytes] + extension
	}
	return strings.Join(keys, " ")
}

// Developer Guide, "Data delivery format", "Buffering hints" and "Object names".
func TestDeliveryToS3(t *testing.T) {
	t.Run("records are put together byte for byte", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		w.put(0, "a\n", "b", "", "\x00\xff")
		w.flush()
		_, bodies := w.under("transformed-data/")
		w.want("content", fmt.Sprintf("%q", bodies), `["a\nb\x00\xff"]`)
		w.want("counts", []int64{w.Counts().Delivered, w.Counts().Objects}, []int64{4, 1})
	})
	t.Run("the name has stream, version, and the arrival of the oldest record, which also evaluates the prefix",
		func(t *testing.T) {
			w := open(t, uncompressed(t), nil, nil)
			w.put(0, "a")
			w.put(20*time.Second, "b") // of the next hour
			w.flush()
			keys, _ := w.under("")
			w.want("key", names(keys), "transformed-data/year=2026/month=09/day=21/hour=10/kinesis-firehose-pipeline-dev-LakeStream-1-2026-09-21-10-59-50-")
		})
	t.Run("an object is complete when its interval is over", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		w.put(0, "a")
		w.put(300*time.Second-1, "b")
		w.put(300*time.Second, "c")
		w.flush()
		_, bodies := w.under("")
		w.want("contents", bodies, "[ab c]")
	})
	t.Run("time that passes without records completes it too", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		w.put(0, "a")
		if err := w.Tick(start.Add(300 * time.Second)); err != nil {
			t.Fatal(err)
		}
		w.put(301*time.Second, "b")
		w.flush()
		_, bodies := w.under("")
		w.want("contents", bodies, "[a b]")
	})
	t.Run("an object is complete when it has its size", func(t *testing.T) {
		s := uncompressed(t)
		s.S3.Buffer.Bytes = 1 << 20
		w := open(t, s, nil, nil)
		record := strings.Repeat("x", 400<<10)
		w.put(0, record, record, record, record)
		w.flush()
		var sizes []int
		_, bodies := w.under("")
		for _, body := range bodies {
			sizes = append(sizes, len(body)>>10)
		}
		slices.Sort(sizes)
		w.want("sizes", sizes, "[400 1200]")
	})
	t.Run("an interval of 0 delivers each batch at once", func(t *testing.T) {
		w := open(t, configuration(t, "small", "lake"), echo, nil)
		w.put(0, "a")
		w.put(10*time.Second, "b")
		w.flush()
		_, bodies := w.under("transformed-data/")
		w.want("contents", len(bodies), 2)
	})
	t.Run("GZIP has .gz and Content-Encoding", func(t *testing.T) {
		w := open(t, configuration(t, "json", "lake"), echo, nil)
		w.put(0, "a", "b")
		w.flush()
		keys, bodies := w.under("transformed-data/")
		w.want("content", bodies, "[ab]")
		w.want("headers", w.objects[keys[0]].headers,
			map[string]string{"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"})
	})
	t.Run("a file extension replaces the format's own", func(t *testing.T) {
		s := configuration(t, "json", "lake")
		s.S3.Extension = ".json.gz"
		w := open(t, s, echo, nil)
		w.put(0, "a")
		w.flush()
		keys, _ := w.under("transformed-data/")
		if !strings.HasSuffix(keys[0], ".json.gz") {
			t.Errorf("key: got %s", keys[0])
		}
	})
	t.Run("a time zone moves prefix and name", func(t *testing.T) {
		s := uncompressed(t)
		s.S3.TimeZone = time.FixedZone("Asia/Kolkata", 19800)
		w := open(t, s, nil, nil)
		w.put(0, "a")
		w.flush()
		keys, _ := w.under("")
		w.want("key", names(keys), "transformed-data/year=2026/month=09/day=21/hour=16/kinesis-firehose-pipeline-dev-LakeStream-1-2026-09-21-16-29-50-")
	})
	t.Run("a prefix that becomes longer than 512 characters ends the run", func(t *testing.T) {
		s := uncompressed(t)
		s.S3.Prefix = strings.Repeat("a", 513) + "!{timestamp:yyyy}"
		w := open(t, s, nil, nil)
		w.put(0, "a")
		if err := w.Flush(start); err == nil || !strings.Contains(err.Error(), "at most 512") {
			t.Errorf("error: got %v", err)
		}
	})
	t.Run("records that arrive with the clock put back count as the latest time", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		w.put(time.Hour, "a")
		w.put(0, "b")
		w.flush()
		_, bodies := w.under("")
		w.want("contents", bodies, "[ab]")
	})
	t.Run("nothing put, nothing delivered", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "lake"), echo, nil)
		w.flush()
		w.want("objects", len(w.objects), 0)
	})
}

// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func TestPrefix(t *testing.T) {
	at := time.Date(2024, 12, 30, 5, 6, 7, 89e6, time.UTC)
	for _, c := range []struct{ name, prefix, errorType, want string }{
		{"no expression: the date is appended as it is", "data", "", "data2024/12/30/05/"},
		{"empty: the date", "", "", "2024/12/30/05/"},
		{"an expression of another kind: no date (probed)", "data/!{firehose:random-string}/", "", "data/xxxxxxxxxxx/"},
		{"timestamps", "y=!{timestamp:yyyy}/m=!{timestamp:MM}/d=!{timestamp:dd}/h=!{timestamp:HH}/", "",
			"y=2024/m=12/d=30/h=05/"},
		{"one timestamp with several fields", "!{timestamp:yyyy-MM-dd'T'HH:mm:ss.SSS}/", "",
			"2024-12-30T05:06:07.089/"},
		{"day of the year, quotes", "!{timestamp:''uuuu/DDD}", "", "'2024/365"},
		{"an error type", "e/!{firehose:error-output-type}/!{timestamp:yyyy}/", "processing-failed",
			"e/processing-failed/2024/"},
		{"a literal error prefix has the type appended, then the date", "e/", "processing-failed",
			"e/processing-failed/2024/12/30/05/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := parsePrefix(c.prefix, c.errorType)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.evaluatePrefix(at, "seed")
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(c.want, "xxx") {
				got = strings.ReplaceAll(got, randomString("seed", 0), "xxxxxxxxxxx")
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("each random string is another", func(t *testing.T) {
		p, err := parsePrefix("!{firehose:random-string}/!{firehose:random-string}", "")
		if err != nil {
			t.Fatal(err)
		}
		one, _ := p.evaluatePrefix(at, "one")
		two, _ := p.evaluatePrefix(at, "two")
		seen := map[string]bool{}
		for _, part := range strings.Split(one+"/"+two, "/") {
			if len(part) != 11 || seen[part] {
				t.Errorf("got %q of %q and %q", part, one, two)
			}
			seen[part] = true
		}
	})
	for _, c := range []struct{ prefix, want string }{
		{"!{timestamp:YYYY}", "week-based year"},
		{"!{timestamp:qq}", "not modelled"},
		{"!{timestamp:'a}", "quote without end"},
		{"!{timestamp:yyyy", "without end"},
		{"!{firehose:error-output-type}", "not modelled"},
		{"!{partitionKeyFromLambda:k}", "not modelled"},
	} {
		t.Run("refused: "+c.prefix, func(t *testing.T) {
			if _, err := parsePrefix(c.prefix, ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: got %v, want %q", err, c.want)
			}
		})
	}
}

// https://docs.aws.amazon.com/firehose/latest/dev/es-index-rotation.html: the names for a record that arrives at
// 2016-02-25T13:00:00Z, but for the week, where the page's rule and its example (w08) do not agree.
func TestIndexRotation(t *testing.T) {
	for _, c := range []struct{ rotation, at, want string }{
		{"NoRotation", "2016-02-25T13:00:00Z", "myindex"},
		{"OneHour", "2016-02-25T13:00:00Z", "myindex-2016-02-25-13"},
		{"OneDay", "2016-02-25T13:00:00Z", "myindex-2016-02-25"},
		{"OneWeek", "2016-02-25T13:00:00Z", "myindex-2016-w09"},
		{"OneMonth", "2016-02-25T13:00:00Z", "myindex-2016-02"},
		{"OneDay", "2016-02-25T23:30:00-02:00", "myindex-2016-02-26"},
		{"OneWeek", "2016-01-01T00:00:00Z", "myindex-2016-w01"},
		{"OneWeek", "2016-01-02T23:59:59Z", "myindex-2016-w01"}, // Saturday
		{"OneWeek", "2016-01-03T00:00:00Z", "myindex-2016-w02"}, // Sunday
		{"OneWeek", "2015-12-26T00:00:00Z", "myindex-2015-w52"},
		{"OneWeek", "2015-12-27T00:00:00Z", "myindex-2016-w01"}, // the week of 1 January
		{"OneWeek", "2017-01-01T00:00:00Z", "myindex-2017-w01"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := indexName("myindex", c.rotation, at); got != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.rotation, c.at, got, c.want)
		}
	}
}

// Developer Guide, "Convert input record format"; field names as in real error objects of 2026.
func TestConversion(t *testing.T) {
	rows := func(t *testing.T, body string) int64 {
		file, err := format.OpenFile(bytes.NewReader([]byte(body)), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		return file.NumRows()
	}
	t.Run("records become rows, whatever objects they share", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "lake"), echo, nil)
		w.put(0, `{"event_id":"1"}`, `{"event_id":"2"}{"event_id":"3"}`)
		w.flush()
		keys, bodies := w.under("transformed-data/")
		w.want("rows", rows(t, bodies[0]), 3)
		w.want("headers", w.objects[keys[0]].headers,
			map[string]string{"Content-Encoding": "hadoop-snappy", "Content-Type": "application/octet-stream"})
		w.want("key", names(keys), "transformed-data/year=2026/month=09/day=21/hour=10/kinesis-firehose-pipeline-dev-LakeStream-1-2026-09-21-10-59-50-.parquet")
		w.want("delivered records", w.Counts().Delivered, 2)
	})
	t.Run("a record that cannot be converted fails alone", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "lake"), echo, nil)
		w.put(0, `{"event_id":"1"}`, `{"amount":"oops"}`, ` `, `{"event_id":"4"}`)
		w.flush()
		_, bodies := w.under("transformed-data/")
		w.want("rows", rows(t, bodies[0]), 2)
		failures := w.failures("error-data/lake/format-conversion-failed/year=2026/month=09/day=21/hour=10/")
		w.want("failures", len(failures), 2)
		f := failures[0]
		w.want("code, attempts, data", []any{f["lastErrorCode"], f["attemptsMade"], f["rawData"]},
			[]any{"DataFormatConversion.MalformedData", 1, "eyJhbW91bnQiOiJvb3BzIn0="})
		w.want("sequence number", []any{f["sequenceNumber"], f["subSequenceNumber"]}, []any{RecordID{w.ids, 1}, 0})
		w.want("table", f["dataCatalogTable"],
			map[string]any{"catalogId": "000000000000", "databaseName": "kinesis_firehose_pipeline_dev",
				"tableName": "events", "region": "us-east-1", "versionId": "LATEST",
				"catalogArn": "arn:aws:glue:us-east-1:000000000000:catalog"})
		w.want("counts", []int64{w.Counts().Delivered, w.Counts().Failed}, []int64{2, 2})
	})
	t.Run("the name has the arrival of the first record that could be converted", func(t *testing.T) {
		w := open(t, configuration(t, "untransformed", "lake"), nil, nil)
		w.put(0, `no`)
		w.put(30*time.Second, `{"event_id":"2"}`)
		w.flush()
		keys, _ := w.under("transformed-data/")
		w.want("key", names(keys), "transformed-data/year=2026/month=09/day=21/hour=11/kinesis-firehose-pipeline-dev-LakeStream-1-2026-09-21-11-00-20-.parquet")
	})
	t.Run("no record could be converted: no object", func(t *testing.T) {
		w := open(t, configuration(t, "untransformed", "lake"), nil, nil)
		w.put(0, `no`)
		w.flush()
		keys, _ := w.under("transformed-data/")
		w.want("objects", len(keys), 0)
		w.want("delivered objects", w.Counts().Objects, 0)
	})
}

// Developer Guide, "Configure backup"; the record is copied as received.
func TestBackup(t *testing.T) {
	half := each(func(r events.KinesisFirehoseEventRecord) map[string]any {
		return map[string]any{"recordId": r.RecordID,
			"result": map[string]string{"f": "ProcessingFailed", "d": "Dropped"}[string(r.Data)], "data": r.Data}
	})
	t.Run("the lake's copy has every record as received, failed and dropped ones too, with GZIP", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "lake"), half, nil)
		w.put(0, "f", "d", "\x00")
		w.flush()
		keys, bodies := w.under("source-data/")
		w.want("content", fmt.Sprintf("%q", bodies), `["fd\x00"]`)
		w.want("key", names(keys), "source-data/year=2026/month=09/day=21/hour=10/kinesis-firehose-pipeline-dev-LakeStream-1-2026-09-21-10-59-50-.gz")
		w.want("objects counted", w.Counts().Objects, 0)
	})
	t.Run("AllDocuments copies every record of the search stream (assumed: as received)", func(t *testing.T) {
		w := open(t, configuration(t, "json", "search"), half, nil)
		w.put(0, "f", "d", "{}")
		w.flush()
		_, bodies := w.under("search-backup/year=2026/month=09/day=21/hour=10/")
		w.want("content", bodies, "[fd{}]")
	})
	t.Run("FailedDocumentsOnly copies none", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "search"), echo, nil)
		w.put(0, "{}")
		w.flush()
		w.want("objects", len(w.objects), 0)
	})
	t.Run("the copy has its own interval", func(t *testing.T) {
		s := configuration(t, "dev", "lake")
		s.S3.Backup.Buffer.Interval = 60 * time.Second
		w := open(t, s, echo, nil)
		w.put(0, `{"event_id":"1"}`)
		w.put(90*time.Second, `{"event_id":"2"}`)
		w.put(100*time.Second, `{"event_id":"3"}`)
		w.flush()
		copies, _ := w.under("source-data/")
		lake, _ := w.under("transformed-data/")
		w.want("objects", []int{len(copies), len(lake)}, []int{2, 1})
	})
}

// Developer Guide, "Data delivery format" for OpenSearch, and "Data delivery failure handling".
func TestDeliveryToSearch(t *testing.T) {
	t.Run("a record is a document of the index of its own arrival time", func(t *testing.T) {
		w := open(t, configuration(t, "json", "search"), echo, nil)
		w.put(0, `{"a":1}`)
		w.put(9*time.Second, `{"a":2}`)
		w.put(10*time.Second, `{"a":3}`)
		w.put(20*time.Second, `{"a":4}`, "{\"a\":5} \n")
		w.flush()
		w.want("indices", slices.Sorted(maps.Keys(w.documents)),
			"[realtime-events-2026-09-21-10 realtime-events-2026-09-21-11]")
		w.want("before eleven", fmt.Sprintf("%q", strings.Join(w.documents["realtime-events-2026-09-21-10"], "\n")),
			`"{\"a\":1}\n{\"a\":2}"`)
		w.want("after eleven", fmt.Sprintf("%q", strings.Join(w.documents["realtime-events-2026-09-21-11"], "\n")),
			`"{\"a\":3}\n{\"a\":4}\n{\"a\":5}"`)
		w.want("counted", w.Counts().Indices,
			map[string]int64{"realtime-events-2026-09-21-10": 2, "realtime-events-2026-09-21-11": 3})
	})
	for _, c := range []struct{ name, record, code string }{
		{"two objects", `{"a":1}{"a":2}`, "OS.MalformedData"},
		{"two lines", "{\"a\":1}\n{\"a\":2}", "OS.MalformedData"},
		{"an object on several lines", "{\n\"a\":1}", "OS.MalformedData"},
		{"an array", `[{"a":1}]`, "OS.MalformedData"},
		{"no JSON", `a`, "OS.MalformedData"},
		{"nothing", ``, "OS.MalformedData"},
	} {
		t.Run("not one single-line object fails alone: "+c.name, func(t *testing.T) {
			w := open(t, configuration(t, "dev", "search"), echo, nil)
			w.put(0, `{"b":1}`, c.record, `{"b":2}`)
			w.flush()
			w.want("documents", len(w.documents["realtime-events-2026-09-21"]), 2)
			failures := w.failures("error-data/search/AmazonOpenSearchService-failed/year=2026/month=09/day=21/hour=10/")
			w.want("failures", len(failures), 1)
			f := failures[0]
			w.want("code, attempts, index, type",
				[]any{f["errorCode"], f["attemptsMade"], f["esIndexName"], f["esTypeName"]},
				[]any{c.code, 1, "realtime-events-2026-09-21", ""})
			w.want("document id", f["esDocumentId"], RecordID{w.ids, 1}.String()+".0")
			w.want("counts", []int64{w.Counts().Delivered, w.Counts().Failed}, []int64{2, 1})
		})
	}
	t.Run("the buffer is sent by size and by interval", func(t *testing.T) {
		sends := 0
		w := open(t, configuration(t, "untransformed", "search"), nil, func(o *Options) {
			o.Search = bulk(func(time.Time, []sent) (int, string, error) {
				sends++
				return 200,
					`{"errors":false,"items":[]}`, nil
			})
		})
		document := `{"a":"` + strings.Repeat("x", 600<<10) + `"}`
		w.put(0, document, document) // 1 MB is full
		w.put(time.Second, `{}`)
		w.put(62*time.Second, `{}`) // 60 s are over
		w.flush()
		w.want("requests", sends, 3)
	})
	t.Run("failed records of the transform are under the stream's own error prefix", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "search"),
			func(events.KinesisFirehoseEvent) (any, error) { return `{"records":[]}`, nil }, nil)
		w.put(0, `{}`)
		w.flush()
		keys, _ := w.under("")
		w.want("key", names(keys), "error-data/search/processing-failed/year=2026/month=09/day=21/hour=10/kinesis-firehose-pipeline-dev-SearchStream-1-2026-09-21-10-59-50-")
	})
}

func TestErrorOutput(t *testing.T) {
	t.Run("error objects are buffered like the destination", func(t *testing.T) {
		w := open(t, configuration(t, "dev", "lake"),
			func(events.KinesisFirehoseEvent) (any, error) { return `{"records":[]}`, nil }, nil)
		for after := time.Duration(0); after < 710*time.Second; after += 10 * time.Second {
			w.put(after, `{}`)
		}
		w.flush()
		keys, _ := w.under("error-data/lake/processing-failed/")
		w.want("objects", len(keys), 3)
		w.want("failed", w.Counts().Failed, 71)
	})
	t.Run("they are not compressed and have no extension, whatever the configuration", func(t *testing.T) {
		s := configuration(t, "json", "lake")
		s.S3.Extension = ".json"
		w := open(t, s, func(events.KinesisFirehoseEvent) (any, error) { return `{"records":[]}`, nil }, nil)
		w.put(0, `{}`)
		w.flush()
		keys, _ := w.under("error-data/")
		if strings.Contains(path.Base(keys[0]), ".") || len(w.failures("error-data/")) != 1 {
			t.Errorf("got %s", keys[0])
		}
		w.want("headers", w.objects[keys[0]].headers, map[string]string{"Content-Type": "application/octet-stream"})
	})
}

func TestEnd(t *testing.T) {
	t.Run("a store that fails ends the stream", func(t *testing.T) {
		full := errors.New("disk full")
		w := open(t, uncompressed(t), nil, func(o *Options) {
			o.Store = func(string, string, map[string]string, io.Reader) error { return full }
		})
		// Objects are stored beside the puts, so that the failure may or may not show in this one.
		records := [][]byte{bytes.Repeat([]byte("a"), 1<<19), bytes.Repeat([]byte("b"), 1<<19)}
		if _, err := w.Put(records, func(int) time.Time { return start }); err != nil && !errors.Is(err, full) {
			t.Fatal(err)
		}
		if err := w.Flush(start); !errors.Is(err, full) {
			t.Errorf("flush: got %v", err)
		}
		if _, err := w.Put([][]byte{nil}, func(int) time.Time { return start }); !errors.Is(err, full) {
			t.Errorf("put: got %v", err)
		}
		if err := w.Tick(start); !errors.Is(err, full) {
			t.Errorf("tick: got %v", err)
		}
		w.want("delivered", w.Counts().Delivered, 0)
	})
	t.Run("an object that S3 refuses is tried again until it takes it", func(t *testing.T) {
		up := start.Add(90 * time.Minute)
		var asked []time.Time
		var paused time.Duration
		w := open(t, uncompressed(t), nil, func(o *Options) {
			o.Refuse = func(at time.Time) error {
				if asked = append(asked, at); at.Before(up) {
					return errors.New("503 SlowDown")
				}
				return nil
			}
			o.Pause = func(_ context.Context, d time.Duration) error {
				paused += d
				return nil
			}
			o.Discarded = func(d Discarded) { t.Errorf("discarded %+v", d) }
		})
		w.put(0, "a")
		w.put(time.Hour, "b") // which ends the first one's interval; it comes when the first one is stored
		w.flush()
		_, bodies := w.under("")
		w.want("objects", bodies, []string{"a", "b"})
		w.want("delivered, discarded", []int64{w.Counts().Delivered, w.Counts().Discarded}, []int64{2, 0})
		interval := w.o.Stream.S3.Buffer.Interval
		w.want("first tries", []time.Duration{asked[0].Sub(start), asked[1].Sub(start), asked[2].Sub(start)},
			[]time.Duration{interval, interval + time.Second, interval + 3*time.Second})
		if last := asked[len(asked)-1]; last.Before(up) || last.Sub(up) > longestPause || asked[len(asked)-2] != last ||
			paused != last.Sub(asked[0]) {
			t.Errorf("last tries %s, %s; pauses of %s", asked[len(asked)-2], last, paused)
		}
	})
	t.Run("an object that S3 refuses for 24 hours is discarded and told, the next one has its own 24 hours",
		func(t *testing.T) {
			up := start.Add(25 * time.Hour)
			var told []Discarded
			w := open(t, uncompressed(t), nil, func(o *Options) {
				o.Refuse = func(at time.Time) error {
					if at.Before(up) {
						return errors.New("503 SlowDown")
					}
					return nil
				}
				o.Discarded = func(d Discarded) { told = append(told, d) }
			})
			w.put(0, "a", "b")
			w.put(2*time.Hour, "c")
			w.put(4*time.Hour, "d")
			w.flush()
			_, bodies := w.under("")
			w.want("objects", bodies, []string{"c", "d"})
			w.want("delivered, discarded", []int64{w.Counts().Delivered, w.Counts().Discarded}, []int64{2, 2})
			w.want("told", told, []Discarded{{"delivery", []Range{{0, 1}}}})
		})
	t.Run("a copy and an error object are discarded like a delivery, records that cannot be converted never",
		func(t *testing.T) {
			var mu sync.Mutex
			told := map[string][]Range{}
			up := start.Add(100 * time.Hour)
			w := open(t, configuration(t, "dev", "lake"), func(request events.KinesisFirehoseEvent) (any, error) {
				answer := map[string]any{}
				var records []any
				for _, r := range request.Records {
					if string(r.Data) != "fails" {
						records = append(records, map[string]any{"recordId": r.RecordID, "result": "Ok", "data": r.Data})
					}
				}
				answer["records"] = records
				return answer, nil
			}, func(o *Options) {
				o.Refuse = func(at time.Time) error {
					if at.Before(up) {
						return errors.New("503 SlowDown")
					}
					return nil
				}
				o.Discarded = func(d Discarded) {
					mu.Lock()
					defer mu.Unlock()
					told[d.Output] = d.Records
				}
			})
			w.put(0, "fails", "{}", "{", "fails", "fails", "{}")
			w.flush()
			w.want("told", told, map[string][]Range{"backup": {{0, 5}}, "delivery": {{1, 1}, {5, 5}},
				"processing-failed": {{0, 0}, {3, 4}}})
			c := w.Counts()
			w.want("delivered, failed, discarded, uncopied", []int64{c.Delivered, c.Failed, c.Discarded, c.Uncopied},
				[]int64{0, 1, 5, 6})
			keys, _ := w.under("")
			if len(keys) != 1 || !strings.Contains(keys[0], "/format-conversion-failed/") {
				t.Errorf("objects: got %q", keys)
			}
		})
	t.Run("what was not flushed is not stored", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		record := strings.Repeat("a", 300<<10)
		w.put(0, record, record) // more than the buffers in memory
		w.Close()
		w.want("objects", len(w.objects), 0)
		if _, err := w.Put(nil, nil); err == nil {
			t.Error("put after close: got no error")
		}
	})
	t.Run("a record above 1,000 KiB is refused", func(t *testing.T) {
		w := open(t, uncompressed(t), nil, nil)
		if _, err := w.Put([][]byte{make([]byte, MaxRecordBytes+1)}, func(int) time.Time { return start }); err == nil {
			t.Error("got no error")
		}
		w.put(0, string(make([]byte, MaxRecordBytes)))
		w.flush()
		w.want("delivered", w.Counts().Delivered, 1)
	})
}

// The same records at the same times give the same objects, however often the time is given.
func TestRepeats(t *testing.T) {
	run := func(t *testing.T, invocations int, tick time.Duration) string {
		w := open(t, configuration(t, "json", "lake"), each(func(r events.KinesisFirehoseEventRecord) map[string]any {
			return map[string]any{"recordId": r.RecordID,
				"result": []string{"Ok", "Ok", "ProcessingFailed"}[len(r.Data)%3], "data": r.Data}
		}), func(o *Options) { o.Invocations = invocations })
		for i := range 1000 {
			after := time.Duration(i) * 700 * time.Millisecond
			w.put(after, strings.Repeat("x", i))
			if tick > 0 && i%7 == 0 {
				if err := w.Tick(start.Add(after + tick)); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.flush()
		keys, bodies := w.under("")
		if len(keys) < 10 {
			t.Errorf("got only %d objects", len(keys))
		}
		return strings.Join(keys, "\n") + strings.Join(bodies, "\n")
	}
	want := run(t, 1, 0)
	if got := run(t, 5, 0); got != want {
		t.Error("five invocations at once: other objects")
	}
	if got := run(t, 2, 100*time.Millisecond); got != want {
		t.Error("told that time passes: other objects")
	}
}
