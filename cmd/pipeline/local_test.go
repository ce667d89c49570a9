package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"firehose-pipeline/event"
)

var update = flag.Bool("update", false, "write the expected files anew")

const (
	storeEvents   = "../../testdata/store-events.ndjson"
	spoiledEvents = "../../testdata/spoiled-events.ndjson"
)

// spoiling is one way in which a producer's event can be wrong, or unusual. The event ends in a brace, its first member
// is event_id.
type spoiling struct {
	way          string
	spoil        func(event string) string
	lake, search event.Reason // why each stream refuses it; empty when it accepts it
}

// with adds members behind the others.
func with(members string) func(string) string {
	return func(e string) string { return strings.TrimSuffix(e, "}") + "," + members + "}" }
}

// replaced puts value in place of the member's.
func replaced(name, value string) func(string) string {
	return func(e string) string {
		_, rest, _ := strings.Cut(e, `"`+name+`":`)
		old := rest[:strings.IndexAny(rest, ",}")]
		return strings.Replace(e, `"`+name+`":`+old, `"`+name+`":`+value, 1)
	}
}

var spoilings = []spoiling{
	{"a key twice", with(`"user_id":"second","amount":1`), "", ""},
	{"a key with escapes", func(e string) string { return strings.Replace(e, `"user_id"`, `"user\u005fid"`, 1) }, "",
		""},
	{"an integer above 2^53 and a long decimal",
		with(`"big":9007199254740993,"long":0.1234567890123456789012345678901234567890`), "", ""},
	{"a category beyond 64 bits", replaced("category_id", "92233720368547758080"), "", ""},
	{"an amount that no float64 holds", replaced("amount", "1E400"), "", ""},
	{"an amount in quotes", replaced("amount", `"150.5"`), "", ""},
	{"an amount in quotes and blanks", replaced("amount", `" 150.5 "`), "", ""},
	{"an amount in hexadecimal", replaced("amount", `"0x1p4"`), "", ""},
	{"an amount that is an object", replaced("amount", `{"value":[1.5,{}]}`), "", ""},
	{"a user that is a number and a brand that is a boolean",
		func(e string) string { return replaced("brand", "true")(replaced("user_id", "42")(e)) }, "", ""},
	{"a timestamp that is none", replaced("timestamp", `"yesterday"`), "", ""},
	{"fields that the transform adds", with(`"amount_tier":"mine","processing_status":"mine","malformed":{"amount":"x","own":7}`), "", ""},
	{"no field at all", func(string) string { return "{}" }, "", ""},
	{"white space between tokens", func(e string) string {
		return "\t { " + strings.ReplaceAll(e[1:], `,"`,
			"\t,\r \"") + " "
	}, "", ""},
	{"an event type that is dropped", replaced("event_type", `"heartbeat"`), "", ""},
	{"nested 1,000 deep", with(`"deep":` + strings.Repeat("[", 999) + strings.Repeat("]", 999)), "", ""},
	{"two events in one record", func(e string) string { return e + replaced("event_type", `"cart"`)(e) }, "",
		event.TrailingData},
	{"something behind the event", func(e string) string { return e + " trailing" }, event.InvalidJSON,
		event.TrailingData},
	{"nested 1,001 deep", with(`"deep":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)), event.TooDeep,
		event.TooDeep},
	{"not a number", replaced("amount", "NaN"), event.InvalidJSON, event.InvalidJSON},
	{"infinity", replaced("amount", "-Infinity"), event.InvalidJSON, event.InvalidJSON},
	{"a number that JSON does not know", replaced("amount", "+1."), event.InvalidJSON, event.InvalidJSON},
	{"a byte that is no UTF-8", replaced("brand", "\"caf\xe9\""), event.InvalidUTF8, event.InvalidUTF8},
	{"overlong UTF-8", replaced("brand", "\"\xc0\xaf\""), event.InvalidUTF8, event.InvalidUTF8},
	{"a surrogate in UTF-8", replaced("brand", "\"\xed\xa0\x80\""), event.InvalidUTF8, event.InvalidUTF8},
	{"a raw control character", replaced("brand", "\"a\x01b\""), event.InvalidJSON, event.InvalidJSON},
	{"a byte order mark", func(e string) string { return "\xef\xbb\xbf" + e }, event.ByteOrderMark,
		event.ByteOrderMark},
	{"cut off", func(e string) string { return e[:len(e)/2] }, event.UnexpectedEnd, event.UnexpectedEnd},
	{"nothing", func(string) string { return "" }, event.EmptyRecord, event.EmptyRecord},
	{"white space only", func(string) string { return " \t " }, event.EmptyRecord, event.EmptyRecord},
	{"an array of events", func(e string) string { return "[" + e + "]" }, event.NotAnObject, event.NotAnObject},
	{"a text", func(string) string { return `"event"` }, event.NotAnObject, event.NotAnObject},
	{"a line of CSV", func(string) string { return "541312140,view,35.79" }, event.NotAnObject, event.NotAnObject},
	{"compressed", func(e string) string { return "\x1f\x8b\x08\x00\x00" + e[:8] + "\x00\xff" }, event.Compressed,
		event.Compressed},
	{"single quotes", func(e string) string { return strings.ReplaceAll(e, `"`, `'`) }, event.InvalidJSON,
		event.InvalidJSON},
	{"a comma before the end", func(e string) string { return strings.TrimSuffix(e, "}") + ",}" }, event.InvalidJSON,
		event.InvalidJSON},
}

const spoiledLines = 200

// spoiled makes the lines: each way in turn on the next of the store's events, with ids of their own.
func spoiled(t *testing.T) [][]byte {
	t.Helper()
	text, err := os.ReadFile(storeEvents)
	if err != nil {
		t.Fatal(err)
	}
	events := strings.Split(string(text), "\n")
	var lines [][]byte
	for i := range spoiledLines {
		e := strings.Replace(events[i], "store-", "spoiled-", 1)
		lines = append(lines, []byte(spoilings[i%len(spoilings)].spoil(e)))
	}
	return lines
}

func TestSpoiledEvents(t *testing.T) {
	lines := spoiled(t)
	text := append(bytes.Join(lines, []byte("\n")), '\n')
	if *update {
		if err := os.WriteFile(spoiledEvents, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("the file has what the ways make", func(t *testing.T) {
		got, err := os.ReadFile(spoiledEvents)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, text) {
			t.Errorf("%s differs: run the test with -update", spoiledEvents)
		}
		if n := bytes.Count(got, []byte("\n")); n != spoiledLines {
			t.Errorf("%d lines, want %d: a way must not add a newline", n, spoiledLines)
		}
	})
	for i, s := range spoilings {
		t.Run(s.way, func(t *testing.T) {
			for stream, want := range map[event.Stream]event.Reason{event.Lake: s.lake, event.Search: s.search} {
				var got event.Reason
				err := event.Check(stream, lines[i])
				if err != nil {
					got = err.Reason
				}
				if got != want {
					t.Errorf("%s: got %q, want %q, for %s", stream, got, want, fmt.Sprintf("%.200q", lines[i]))
				}
			}
		})
	}
}

// An input that cannot be read to its end is an error, but the records put before are delivered and reported.
func TestReadErrorMidway(t *testing.T) {
	s := buildStack(t)
	args := []string{"local", "--events", "-", "--template", s.template, "--project", s.root, "--check", "--out"}
	broken := func(text string) io.Reader {
		return io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("read: input/output error")))
	}
	const problem = "reading the events: read: input/output error\n"
	t.Run("for people", func(t *testing.T) {
		stdout, stderr := command(t, exitFailed, broken("{\"event_id\":\"a\"}\n{}\n"), append(args, t.TempDir())...)
		if !strings.HasPrefix(stdout, "the events could not be read to the end: this is everything put until "+
			"then\n\n2 events in ") ||
			!strings.Contains(stdout, "check: 4 records put, each one where it had to end, once\n") ||
			stderr != problem {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("for programs", func(t *testing.T) {
		stdout, stderr := command(t, exitFailed, broken("{}\n"), append(args, t.TempDir(), "--format", "json")...)
		if !strings.HasPrefix(stdout, `{"events":1,"streams":{"lake":{"received":1,"delivered":1,`) ||
			!strings.HasSuffix(stderr, problem) {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
	t.Run("nothing put", func(t *testing.T) {
		stdout, stderr := command(t, exitFailed, broken(""), append(args, t.TempDir())...)
		if stdout != "" || stderr != problem {
			t.Errorf("got %s%s", stdout, stderr)
		}
	})
}
