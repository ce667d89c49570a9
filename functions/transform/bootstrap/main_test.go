// Package main_test runs the function's binary. Expected results are written here a second time, from the contract and
// with encoding/json, so that it shares nothing with the code it checks.
package main_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "firehose-pipeline/functions/transform" // Go's test cache does not see what the binary is made of
	"firehose-pipeline/internal/testkit/functiontest"
)

func TestMain(m *testing.M) { functiontest.Main(m, "transform") }

func TestStoreEvents(t *testing.T) {
	events := storeEvents(t)
	var many [][]byte // several batches
	for range 8 {
		many = append(many, events...)
	}
	for _, stream := range []string{"lake", "search"} {
		t.Run(stream, func(t *testing.T) {
			f := functiontest.StartTransform(t, stream)
			all := batches(many)
			if len(all) < 2 {
				t.Fatalf("got %d batches, want several", len(all))
			}
			records := 0
			for _, batch := range all {
				before := time.Now().Truncate(time.Millisecond)
				answers := f.Transform(batch...)
				after := time.Now()
				stamps := map[string]bool{}
				for i, answer := range answers {
					if answer.Result != "Ok" {
						t.Fatalf("%s: got %s", batch[i], answer.Result)
					}
					line := *answer.Data
					if stream == "lake" {
						var ends bool
						if line, ends = strings.CutSuffix(line, "\n"); !ends {
							t.Fatalf("%s: got no newline at the end of %q", batch[i], line)
						}
					}
					stamps[wantEnriched(t, stream, batch[i], line)] = true
				}
				if len(stamps) != 1 {
					t.Errorf("got %d different processed_timestamps in one invocation", len(stamps))
				}
				for stamp := range stamps {
					at, err := time.Parse("2006-01-02T15:04:05.000Z", stamp)
					if err != nil || at.Before(before) || at.After(after) {
						t.Errorf("got processed_timestamp %q (%v), want %s to %s", stamp, err, before, after)
					}
				}
				records += len(answers)
			}
			metrics := f.Metrics()
			if len(metrics) != len(all) || records != len(many) {
				t.Errorf("got %d metric lines for %d invocations", len(metrics), len(all))
			}
			for i, m := range metrics {
				n := float64(len(all[i]))
				if m["Records"] != n || m["Ok"] != n || m["Dropped"] != 0.0 || m["ProcessingFailed"] != 0.0 ||
					m["TooLarge"] != 0.0 ||
					m["Stream"] != stream || m["Stack"] != "pipeline-test" {
					t.Errorf("batch of %v: got metrics %v", n, m)
				}
			}
		})
	}
}

func TestEventsPackedIntoRecords(t *testing.T) {
	events := storeEvents(t)[:12]
	records := [][]byte{
		bytes.Join(events, []byte("\n")),
		append(bytes.Join(events, []byte("\n")), '\n'),
		bytes.Join(events, nil),
		bytes.Join(events, []byte("\r\n \t")),
	}
	t.Run("lake: each becomes a line", func(t *testing.T) {
		for i, answer := range functiontest.StartTransform(t, "lake").Transform(records...) {
			if answer.Result != "Ok" || !strings.HasSuffix(*answer.Data, "\n") {
				t.Fatalf("record %d: got %+v", i, answer)
			}
			lines := strings.Split(strings.TrimSuffix(*answer.Data, "\n"), "\n")
			if len(lines) != len(events) {
				t.Fatalf("record %d: got %d lines, want %d", i, len(lines), len(events))
			}
			for j, line := range lines {
				wantEnriched(t, "lake", events[j], line)
			}
		}
	})
	t.Run("search: refused", func(t *testing.T) {
		for i, answer := range functiontest.StartTransform(t, "search").Transform(records...) {
			if answer.Result != "ProcessingFailed" {
				t.Errorf("record %d: got %s", i, answer.Result)
			}
		}
	})
}

func TestTraps(t *testing.T) {
	for _, stream := range []string{"lake", "search"} {
		t.Run(stream, func(t *testing.T) {
			var records [][]byte
			for _, c := range functiontest.Traps {
				records = append(records, []byte(c.In))
			}
			f := functiontest.StartTransform(t, stream)
			answers := f.Transform(records...)
			counts := map[string]float64{}
			for i, c := range functiontest.Traps {
				counts[answers[i].Result]++
				t.Run(c.Name, func(t *testing.T) {
					got := answers[i].Result
					if answers[i].Data != nil {
						got, _ = withTime(*answers[i].Data)
						if stream == "lake" { // of several objects each has the time
							got = ""
							for line := range strings.Lines(*answers[i].Data) {
								line, _ = withTime(line)
								got += line
							}
						}
					}

					if want := c.Want(stream); !slices.Contains(want, got) {
						t.Errorf("record %.200q\ngot  %.1000q\nwant %.1000q", c.In, got, want)
					}
				})
			}
			metrics := f.Metrics()
			if len(metrics) != 1 {
				t.Fatalf("got %d metric lines", len(metrics))
			}
			for name, n := range counts {
				if metrics[0][name] != n {
					t.Errorf("got metric %s %v, want %v", name, metrics[0][name], n)
				}
			}
			if metrics[0]["Records"] != float64(len(functiontest.Traps)) {
				t.Errorf("got metric Records %v, want %d", metrics[0]["Records"], len(functiontest.Traps))
			}
		})
	}
}

func TestTransformedEventsComeOutTheSame(t *testing.T) {
	var records [][]byte
	for _, c := range functiontest.Traps {
		if out := c.Want("search")[0]; out != functiontest.Failed && out != functiontest.Dropped {
			records = append(records, []byte(c.In))
		}
	}
	records = append(records, storeEvents(t)[:20]...)
	f := functiontest.StartTransform(t, "search")
	var once [][]byte
	var want []string
	for _, answer := range f.Transform(records...) {
		if answer.Data == nil {
			t.Fatalf("got %+v", answer)
		}
		once = append(once, []byte(*answer.Data))
		line, _ := withTime(*answer.Data)
		want = append(want, line)
	}
	for i, answer := range f.Transform(once...) {
		if answer.Data == nil {
			t.Errorf("%s: got %s", once[i], answer.Result)
		} else if got, _ := withTime(*answer.Data); got != want[i] {
			t.Errorf("record %.200q\nfirst  %.1000q\nsecond %.1000q", records[i], want[i], got)
		}
	}
}

func TestAnswersStayWithinSixMegabytes(t *testing.T) {
	// Fewer objects a record where rules make each longer: some records have to fit.
	many := 20000
	for name, c := range map[string]struct {
		record string
		count  int
	}{
		"the smallest objects":  {`{}`, 30000},
		"events of 90 bytes":    {`{"event_id":"0123456789","event_type":"view","user_id":"1","amount":"1.5","product_id":"77"}`, 25000},
		"many objects a record": {strings.Repeat(`{}`, many), 800000 / many},
	} {
		t.Run(name, func(t *testing.T) {
			records := slices.Repeat([][]byte{[]byte(c.record)}, c.count)
			f := functiontest.StartTransform(t, "lake")
			counts := map[string]int{}
			for _, answer := range f.Transform(records...) { // checks the size
				counts[answer.Result]++
			}
			metrics := f.Metrics()
			if len(metrics) != 1 || metrics[0]["TooLarge"] != float64(counts["ProcessingFailed"]) ||
				counts["Ok"] == 0 || counts["ProcessingFailed"] == 0 {
				t.Errorf("got answers %v, metrics %v", counts, metrics)
			}
			// What fits goes through: no room is left for another of the same records, but for the function's own
			// margin.
			if room := 6<<20 - f.AnswerSize; room > f.AnswerSize/max(counts["Ok"], 1)+64<<10 {
				t.Errorf("got %d bytes of room in the answer (%v)", room, counts)
			}
		})
	}
}

func TestRequestsThatAreNoBatch(t *testing.T) {
	f := functiontest.StartTransform(t, "lake")
	if got := f.Transform(); len(got) != 0 {
		t.Errorf("an empty batch: got %+v", got)
	}
	for _, payload := range []string{`{`, `[]`, `{"records":{}}`} {
		result, err := f.Invoke(t.Context(), []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if result.FunctionError == "" {
			t.Errorf("%s: got %s, want an error", payload, result.Payload)
		}
	}
	// Such an error costs no cold start.
	if result, err := f.Invoke(t.Context(), functiontest.Request(t, []byte(`{}`))); err != nil || result.Cold ||
		result.FunctionError != "" {
		t.Errorf("then got %+v, %v", result, err)
	}
}

func TestSettings(t *testing.T) {
	t.Run("a wrong environment ends the function at its start", func(t *testing.T) {
		f := functiontest.Start(t, "transform", map[string]string{"STREAM": "both"})
		result, err := f.Invoke(t.Context(), functiontest.Request(t, []byte(`{}`)))
		if err != nil {
			t.Fatal(err)
		}
		if got := result.ErrorType(); got != "Runtime.ExitError" {
			t.Errorf("got %s", result.Payload)
		}
	})
	t.Run("what is dropped is a setting", func(t *testing.T) {
		f := functiontest.Start(t, "transform", map[string]string{"STREAM": "lake",
			"DROP_EVENT_TYPES": `["view","a \"b\""]`})
		var got []string
		for _, answer := range f.Transform([]byte(`{"event_type":"view"}`), []byte(`{"event_type":"a \u0022b\""}`),
			[]byte(`{"event_type":"heartbeat"}`)) {
			got = append(got, answer.Result)
		}
		if want := []string{"Dropped", "Dropped", "Ok"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// TestTheOracleAgreesWithTheTraps keeps the oracle honest: it computes the hand-written outputs of the traps.
func TestTheOracleAgreesWithTheTraps(t *testing.T) {
	checked := map[string]bool{}
	for _, c := range functiontest.Traps {
		if c.Lake == functiontest.Failed || c.Lake == functiontest.Dropped || strings.Contains(c.Lake, "\n") ||
			c.NoOracle {
			continue
		}
		checked[c.Name] = true
		wantEnriched(t, "lake", []byte(c.In), c.Lake)
	}
	if len(checked) < 40 {
		t.Error(fmt.Sprint("checked only ", slices.Sorted(maps.Keys(checked))))
	}
}

// TestRandomEvents puts values of all kinds under all names, in one fixed sequence, and compares with the oracle.
func TestRandomEvents(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	keys := append(slices.Sorted(maps.Keys(declared)), "x", "", "user\\u005fid", "amo\\u0075nt", "Amount",
		"processing_status", "user_category", "malformed2")
	values := []string{"null", "true", "false", "0", "-0", "0.0", "1", "100", "100.5", "501", "-3e2", "1E400", "1e-400",
		"12345678901234567890", "9223372036854775807",
		`""`, `" "`, `"view"`, `"purchase"`, `"search"`, `"0"`, `"12"`, `"12.5"`, `" 7 "`, `"\u0031"`, `"0x1p4"`,
		`"NaN"`, `"2019-10-01T00:00:00Z"`, `"2019-10-01T00:00:00+14:00"`,
		`"é\n\"\\"`, "{}", "[]", `[1,{"a":"b"}]`, `{"a":{"b":[]}}`, "\"\u2028\""}
	var events [][]byte
	for range 3000 {
		var object []string
		sent := map[string]bool{}
		for range random.IntN(9) {
			key, value := keys[random.IntN(len(keys))], values[random.IntN(len(values))]
			// The contract does not say whether a string of a bigint is trimmed.
			if key == "category_id" && value == `" 7 "` {
				continue
			}
			sent[key] = true
			object = append(object, `"`+key+`":`+value)
		}
		if sent["user_category"] { // nor what an own one means when no user_id came
			object = append(object, `"user_id":"u"`)
		}
		events = append(events, []byte("{"+strings.Join(object, ",")+"}"))
	}
	for _, stream := range []string{"lake", "search"} {
		for i, answer := range functiontest.StartTransform(t, stream).Transform(events...) {
			if answer.Data == nil {
				t.Fatalf("%s: got %s", events[i], answer.Result)
			}
			wantEnriched(t, stream, events[i], strings.TrimSuffix(*answer.Data, "\n"))
		}
	}
}

// TestNoEventContentInLogs sends records and requests of all kinds, each with a word in it, at the level that logs
// most.
func TestNoEventContentInLogs(t *testing.T) {
	const marker = "s3cr3tM4rker"
	f := functiontest.Start(t, "transform", map[string]string{"STREAM": "lake", "LOG_LEVEL": "debug",
		"DROP_EVENT_TYPES": `["heartbeat"]`})
	records := [][]byte{
		[]byte(`{"user_id":"` + marker + `"}`), []byte(`{"` + marker + `":1}`), []byte(`{"amount":"` + marker + `"}`),
		[]byte(`{"malformed":"` + marker + `"}`),
		[]byte(`{"event_type":"heartbeat","a":"` + marker + `"}`), []byte(marker), []byte(`{"a":` + marker + `}`),
		[]byte(`{"a":"` + marker), []byte(`["` + marker + `"]`),
		[]byte("{\"a\":\"" + marker + "\xff\"}"), []byte(`{}{"a":` + marker + `}`), []byte("\ufeff" + marker),
		bytes.Repeat([]byte(`{"a":"`+marker+`"}`), 50_000),
	}
	for _, c := range functiontest.Traps {
		records = append(records, []byte(strings.ReplaceAll(c.In, `"a"`, `"`+marker+`"`)))
	}
	f.Transform(records...)
	for _, payload := range []string{marker, `{"` + marker + `":`, `{"records":"` + marker + `"}`,
		`{"records":[{"data":"` + marker + `"}]}`, `{"records":[{"recordId":"` + marker + `","recordId":""}]}`,
		`{"records":[{"recordId":"1","data":"` + marker + `\x"}]}`} {
		if result, err := f.Invoke(t.Context(), []byte(payload)); err != nil || result.FunctionError == "" {
			t.Fatalf("%s: %v, %+v", payload, err, result)
		}
	}
	f.Close()
	log := f.Log()
	if strings.Contains(log, marker) {
		t.Errorf("the log has event content: %.3000s", log)
	}
	for _, want := range []string{"records refused", "InvalidJson", "answer full", "reading request"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q: %.3000s", want, log)
		}
	}
}

// storeEvents are the events of the store, one a line.
func storeEvents(t *testing.T) [][]byte {
	t.Helper()
	content, err := os.ReadFile("../../../testdata/store-events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	events := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	if len(events) != 500 {
		t.Fatalf("got %d events, want 500", len(events))
	}
	return events
}

// batches cuts records into batches as Firehose's processor buffer of 0.5 MB does.
func batches(records [][]byte) [][][]byte {
	var all [][][]byte
	size := 0
	for _, r := range records {
		if len(all) == 0 || size+len(r) > 512<<10 {
			all, size = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], r)
		size += len(r)
	}
	return all
}

// withTime returns the data with the value of processed_timestamp replaced by "NOW", also where another rule repeats
// it, and the value.
func withTime(data string) (string, string) {
	const key = `"processed_timestamp":"`
	at := strings.LastIndex(data, key)
	if at < 0 {
		return data, ""
	}
	value, _, _ := strings.Cut(data[at+len(key):], `"`)
	return data[:at] + strings.ReplaceAll(data[at:], `"`+value+`"`, `"NOW"`), value
}
