package local_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/local/audit"
)

// rewrite changes a file of the results.
func rewrite(t testing.TB, path string, change func(string) string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(content))
	if changed == string(content) {
		t.Fatalf("%s is not changed", path)
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

// zipped makes a change of the content that a gzip file has.
func zipped(t testing.TB, change func(string) string) func(string) string {
	return func(content string) string {
		unzip, err := gzip.NewReader(strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(unzip)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		zip := gzip.NewWriter(&b)
		if _, err := zip.Write([]byte(change(string(plain)))); err != nil {
			t.Fatal(err)
		}
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
}

// without removes line i; twice has it twice.
func without(i int) func(string) string { return lines(i, 0) }
func twice(i int) func(string) string   { return lines(i, 2) }

func lines(i, times int) func(string) string {
	return func(content string) string {
		all := strings.SplitAfter(content, "\n")
		return strings.Join(all[:i], "") + strings.Repeat(all[i], times) + strings.Join(all[i+1:], "")
	}
}

func replace(from, to string) func(string) string {
	return func(content string) string { return strings.Replace(content, from, to, 1) }
}

// Every record that is taken out of an output, or put into it once more, is found and named.
func TestCheck(t *testing.T) {
	// 40 events to each stream: 1 to 20 good, then bad ones, then more good ones.
	events := func(t *testing.T) []string {
		shop := shopEvents(t)
		records := append([]string{}, shop[:20]...)
		records = append(records, `{"event_id":"bad-21",`, `{"event_id":"bad-22"`,
			`{"event_id":"beat","event_type":"heartbeat"}`, `{"event_id":"odd-24","x":{"a":1,"a":2}}`)
		return append(records, shop[24:40]...)
	}
	const id = `(event_id "store-%06d")`
	named := func(format string, numbers ...int) []string {
		var list []string
		for _, n := range numbers {
			list = append(list, fmt.Sprintf(format, n, fmt.Sprintf(id, n)))
		}
		return list
	}
	for _, c := range []struct {
		name, template string
		change         func(*testing.T, *world)
		want           []string
	}{
		{"a document taken out", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			rewrite(t, path, without(4))
		}, named("search stream: record %d %s is missing in the search index", 5)},
		{"a document doubled", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			rewrite(t, path, twice(4))
		}, named("search stream: record %d %s is doubled in the search index", 5)},
		{"a document changed", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			rewrite(t, path, replace(`"amount_tier":"basic"`, `"amount_tier":"gold"`))
		}, []string{"search stream: unknown in the search index",
			`search stream: record 1 (event_id "store-000001") is missing in the search index`}},
		{"a document torn at the end of the file", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			rewrite(t, path, func(s string) string { return s[:len(s)-20] })
		}, []string{"search stream: unknown in the search index",
			`search stream: record 40 (event_id "store-000040") is missing in the search index`}},
		{"an index taken away", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, append(append(named("search stream: record %d %s is missing in the search index", numbers(1, 20)...),
			`search stream: record 24 (event_id "odd-24") is missing in the search index`),
			named("search stream: record %d %s is missing in the search index", numbers(25, 40)...)...)},
		{"an object of the lake taken away", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("/transformed-data/")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, append(append(named("lake stream: record %d %s is missing in the lake", numbers(1, 20)...),
			`lake stream: record 24 (event_id "odd-24") is missing in the lake`),
			named("lake stream: record %d %s is missing in the lake", numbers(25, 40)...)...)},
		{"an object of the lake there twice", "dev", func(t *testing.T, w *world) {
			path, content := w.find("/transformed-data/")
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), "copy.parquet"), []byte(content),
				0o644); err != nil {
				t.Fatal(err)
			}
		}, append(append(named("lake stream: record %d %s is doubled in the lake", numbers(1, 20)...),
			`lake stream: record 24 (event_id "odd-24") is doubled in the lake`),
			named("lake stream: record %d %s is doubled in the lake", numbers(25, 40)...)...)},
		{"a line of a JSON lake taken out", "json", func(t *testing.T, w *world) {
			path, _ := w.find("/transformed-data/")
			rewrite(t, path, zipped(t, without(7)))
		}, named("lake stream: record %d %s is missing in the lake", 8)},
		{"a line of a JSON lake doubled", "json", func(t *testing.T, w *world) {
			path, _ := w.find("/transformed-data/")
			rewrite(t, path, zipped(t, twice(7)))
		}, named("lake stream: record %d %s is doubled in the lake", 8)},
		{"a record taken out of a lake of records as they came", "plain", func(t *testing.T, w *world) {
			path, _ := w.find("/transformed-data/")
			rewrite(t, path, replace(shopEvents(t)[8], ""))
		}, named("lake stream: record %d %s is missing in the lake", 9)},
		{"a record doubled in a lake of records as they came", "plain", func(t *testing.T, w *world) {
			path, _ := w.find("/transformed-data/")
			rewrite(t, path, replace(shopEvents(t)[8], shopEvents(t)[8]+shopEvents(t)[8]))
		}, named("lake stream: record %d %s is doubled in the lake", 9)},
		{"records taken out of the source backup", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("/source-data/")
			rewrite(t, path, zipped(t, func(s string) string {
				return replace(shopEvents(t)[10]+shopEvents(t)[11], "")(replace(shopEvents(t)[39], "")(s))
			}))
		}, named("lake stream: record %d %s is missing in the source backup", 11, 12, 40)},
		{"a record doubled in the source backup", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("/source-data/")
			rewrite(t, path, zipped(t, func(s string) string { return s + shopEvents(t)[2] }))
		}, named("lake stream: record %d %s is doubled in the source backup", 3)},
		{"other content in the source backup", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("/source-data/")
			rewrite(t, path, zipped(t, replace(shopEvents(t)[5], "something else")))
		}, append([]string{"lake stream: unknown in the source backup"},
			named("lake stream: record %d %s is missing in the source backup", 6)...)},
		{"an object of the source backup taken away", "json", func(t *testing.T, w *world) {
			path, _ := w.find("/search-backup/")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, each("search stream: record %d ", numbers(1, 40)...)},
		{"a dead letter taken out", "dev", func(t *testing.T, w *world) {
			path, content := w.find("dead-letter-queue")
			rewrite(t, path, without(lineOf(t, content, "bad-21", `"stream":"lake"`)))
		}, []string{`lake stream: record 21 (event_id "bad-21") is missing in the dead letters`}},
		{"a dead letter there twice under two ids", "dev", func(t *testing.T, w *world) {
			path, content := w.find("dead-letter-queue")
			line := lineOf(t, content, "bad-22", `"stream":"search"`)
			rewrite(t, path, func(s string) string {
				return s + replace(`"id":"`, `"id":"0`)(strings.SplitAfter(s, "\n")[line])
			})
		}, []string{`search stream: record 22 (event_id "bad-22") is doubled in the dead letters`}},
		{"the dead letter of a record that could not be converted taken out", "untransformed",
			func(t *testing.T, w *world) {
				path, content := w.find("dead-letter-queue")
				rewrite(t, path, without(lineOf(t, content, "odd-24", `"stream":"lake"`)))
			}, []string{`lake stream: record 24 (event_id "odd-24") is missing in the dead letters`}},
		{"a dead letter of nothing", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("dead-letter-queue")
			rewrite(t, path, replace(`"rawData":"`, `"rawData":"AAAA`))
		}, []string{"stream: unknown in the dead letters", "is missing in the dead letters"}},
		{"a dead letter with the id of another one", "dev", func(t *testing.T, w *world) {
			path, content := w.find("dead-letter-queue")
			line := lineOf(t, content, "bad-21", `"stream":"lake"`)
			rewrite(t, path, func(s string) string {
				return s + replace(`"rawData":"`, `"rawData":"AAAA`)(strings.SplitAfter(s, "\n")[line])
			})
		}, []string{"lake stream: unknown in the dead letters"}},
		{"a line of an error object taken out", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("error-data/lake/processing-failed/")
			rewrite(t, path, without(1))
		}, []string{`lake stream: record 22 (event_id "bad-22") is missing in the error objects`}},
		{"an error object taken away", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("error-data/search/processing-failed/")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, []string{`search stream: record 21 (event_id "bad-21") is missing in the error objects`,
			`search stream: record 22 (event_id "bad-22") is missing in the error objects`}},
		{"a record that was dropped put into the index", "dev", func(t *testing.T, w *world) {
			path, _ := w.find("opensearch/")
			rewrite(t, path, func(s string) string { return s + `{"event_id":"beat","event_type":"heartbeat"}` + "\n" })
		}, []string{"search stream: unknown in the search index"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := open(t, options(t, c.template))
			w.put(events(t)...)
			w.flush()
			w.clean()
			c.change(t, w)
			got := w.check()
			if len(got) != len(c.want) {
				t.Fatalf("got %d findings, want %d:\n%s", len(got), len(c.want), strings.Join(got, "\n"))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
}

// Duplicates with the same id are counted, not reported as findings.
func TestCheckOfDuplicates(t *testing.T) {
	w := open(t, options(t, "dev"))
	w.put(append(shopEvents(t)[:20], `{"event_id":"bad-21",`)...)
	w.flush()
	path, _ := w.find("dead-letter-queue")
	rewrite(t, path, func(s string) string { return s + s + s })
	report, err := w.Check(t.Context())
	if err != nil || !report.Clean() || report.Duplicates != (audit.Duplicates{Letters: 4}) {
		t.Errorf("got %+v, %v", report, err)
	}
}

// Letters that a consumer has deleted, as a replay does, are accounted for by their content.
func TestCheckOfDeletedLetters(t *testing.T) {
	w := open(t, options(t, "dev"))
	w.put(append(shopEvents(t)[:20], `{"event_id":"bad-21",`, `{"event_id":"bad-22"`)...)
	w.flush()
	call := func(operation, body string) []struct{ ReceiptHandle string } {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/",
			strings.NewReader(strings.Replace(body, "{", `{"QueueUrl":"`+w.DeadLetterQueueURL()+`",`, 1)))
		request.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
		answer := httptest.NewRecorder()
		w.SQS().ServeHTTP(answer, request)
		var got struct {
			Messages []struct{ ReceiptHandle string }
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", operation, answer.Code, answer.Body)
		}
		return got.Messages
	}
	letters := call("ReceiveMessage", `{"MaxNumberOfMessages":10}`)
	if len(letters) != 4 {
		t.Fatalf("%d letters", len(letters))
	}
	call("DeleteMessage", fmt.Sprintf(`{"ReceiptHandle":%q}`, letters[0].ReceiptHandle))
	call("DeleteMessage", fmt.Sprintf(`{"ReceiptHandle":%q}`, letters[0].ReceiptHandle)) // which changes nothing
	w.flush()
	w.clean()
	call("PurgeQueue", `{"":0}`)
	w.flush()
	w.clean()
	path, content := w.find("deleted")
	if strings.Count(content, "\n") != 4 {
		t.Errorf("got %s", content)
	}
	rewrite(t, path, without(2))
	if got := w.check(); len(got) != 1 || !strings.Contains(got[0], "is missing in the dead letters") {
		t.Errorf("got %q", got)
	}
}

func numbers(from, to int) []int {
	var list []int
	for n := from; n <= to; n++ {
		list = append(list, n)
	}
	return list
}

// each formats each number.
func each(format string, numbers ...int) []string {
	var list []string
	for _, n := range numbers {
		list = append(list, fmt.Sprintf(format, n))
	}
	return list
}

// lineOf is the number of the line that has a record with this text, and another text beside it.
func lineOf(t *testing.T, content, record, beside string) int {
	t.Helper()
	for i, line := range strings.Split(content, "\n") {
		if strings.Contains(line, `"eventId":"`+record) && strings.Contains(line, beside) {
			return i
		}
	}
	t.Fatalf("no letter of %s in\n%s", record, content)
	return 0
}

func TestCheckNeeds(t *testing.T) {
	t.Run("a run opened for it", func(t *testing.T) {
		o := options(t, "dev")
		o.Check = false
		w := open(t, o)
		w.put("{}")
		w.flush()
		if _, err := w.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "not opened for a check") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("everything flushed", func(t *testing.T) {
		w := open(t, options(t, "dev"))
		w.put("{}")
		if _, err := w.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "since the last flush") {
			t.Errorf("got %v", err)
		}
	})
}

// Equal records count for each other, and more than an index's memory holds are compared too.
func TestCheckOfMany(t *testing.T) {
	o := options(t, "dev")
	o.Rate = 1000
	w := open(t, o)
	shop := shopEvents(t)
	for range 50 {
		w.put(shop...)
	}
	w.flush()
	w.clean()
	path, _ := w.find("opensearch/")
	rewrite(t, path, without(12_345))
	got := w.check()
	if len(got) != 1 || !strings.Contains(got[0], `(event_id "store-000346") is missing in the search index`) {
		t.Errorf("got %q", got)
	}
}
