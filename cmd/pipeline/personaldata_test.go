//go:build verify

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firehose-pipeline/internal/parquetrows"
)

// personalEvents is how many events TestPersonalData has: enough for every fault to come about.
const personalEvents = 10_000

// A protected text has "Prot3cted" in it, a protected number is above 77,003,500,000,000.
var isProtected = regexp.MustCompile(`Prot3cted|77003[5-9][0-9]{8}`)

// personalEvent is event n. Some are of wrong types, one in 40 is no event at all.
func personalEvent(n int) string {
	secret := func(of string) string { return fmt.Sprintf(`"%s-Prot3cted-%d"`, of, n) }
	number := fmt.Sprint(77_003_500_000_000 + n)
	email, phone, name, user, mail := secret("mail"), number, secret("name"), "", secret("contact")
	switch n % 20 {
	case 3:
		email = number
	case 5:
		email = `{"address":` + email + `}`
	case 7:
		phone = secret("phone")
	case 9:
		phone = `[` + number + `]`
	case 11:
		name = `[` + name + `]`
	case 13:
		user = secret("user")
	case 15:
		mail = `{"mail":` + mail + `}`
	case 17:
		email = `"` + strings.Repeat("long", 10) + "Prot3cted" + `"` // beyond maxLength
	}
	if user == "" {
		user = `{"name":` + name + `,"number":` + number + `,"address":{"street":` + secret("street") + `,"city":"Bonn"},"history":{"a":` +
			secret("history") + `}}`
	}
	event := fmt.Sprintf(`{"event_id":"p-%d","amount":%d,"email":%s,"phone":%s,"note":[%s],"user":%s,"contacts":[{"mail":%s,"kind":"x"}],%s}`,
		n, n, email, phone, secret("note"), user, mail, personalLists(n, secret, number))
	switch n % 40 {
	case 21:
		return event[:len(event)-2]
	case 27:
		return strings.Replace(event, `"amount":`, `"amount":{"a..b":1},"other":`, 1)
	}
	return event
}

// personalLists are the members of event n whose elements or values are protected.
func personalLists(n int, secret func(of string) string, number string) string {
	ips, accounts, headers, limits := `[`+secret("ip")+`,"",`+number+`]`, `[[`+number+`],[]]`, `{"a":`+secret("header")+`}`, `{"b":`+number+`}`
	switch n % 18 {
	case 1:
		ips = secret("ip")
	case 2:
		ips = `[null,[` + secret("ip") + `],{"v":` + secret("ip") + `},"` + strings.Repeat("long", 10) + `Prot3cted"]`
	case 4:
		accounts = `[` + number + `,[` + secret("account") + `,"` + number + `"]]`
	case 6:
		headers = `{"a":[` + secret("header") + `],"b":null,"c":` + number + `}`
	case 8:
		headers = `{"a":` + secret("header") + `,"a":` + secret("header") + `}`
	case 10:
		headers, limits = secret("header"), `[`+number+`]`
	case 12:
		limits = `{"b":` + secret("limit") + `,"c":"` + number + `.5"}`
	}
	return fmt.Sprintf(`"ips":%s,"accounts":%s,"headers":%s,"limits":%s,"words":[%s],"cookies":{"a":[%s]}`, ips, accounts, headers, limits,
		secret("word"), secret("cookie"))
}

// TestPersonalData runs events with protected values through the pipeline while everything goes wrong that can, and looks for these
// values in every file that the run leaves.
func TestPersonalData(t *testing.T) {
	if testing.Short() {
		t.Skip("synthesises a stack")
	}
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	template := synthesiseSample(t, root, "cmd/pipeline/testdata/personal-data/event-schema.json")
	var events strings.Builder
	for n := range personalEvents {
		events.WriteString(personalEvent(n) + "\n")
	}
	out := filepath.Join(t.TempDir(), "out")
	stdout, stderr := command(t, 0, strings.NewReader(events.String()), "local", "--template", template, "--project", root, "--events", "-",
		"--out", out, "--check", "--fault", "all", "--logs")
	for name, text := range map[string]string{"the report": stdout, "what the functions write": stderr} {
		if found := isProtected.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
	paths, err := listFiles(out)
	if err != nil {
		t.Fatal(err)
	}
	seen, allowed := map[string]int{}, map[string]int{}
	for _, path := range paths {
		name, err := filepath.Rel(out, path)
		if err != nil {
			t.Fatal(err)
		}
		place := placeOf(name)
		seen[place]++
		found := isProtected.Find(contentOf(t, path))
		switch {
		case found == nil:
		case place == "source-data" || place == "error-data before the transform":
			allowed[place]++
		default:
			t.Errorf("%s has %q", name, found)
		}
	}
	t.Logf("files looked at: %v; with protected values, as documented: %v", seen, allowed)
	for _, place := range []string{"source-data", "error-data before the transform"} {
		if allowed[place] == 0 {
			t.Errorf("no protected value in %s, where they stay: the search does not find them", place)
		}
	}
	for _, place := range []string{"transformed-data", "error-data behind the transform", "opensearch", "sqs", "logs"} {
		if seen[place] == 0 {
			t.Errorf("no file in %s", place)
		}
	}
}

// placeOf is the kind of a file of the results.
func placeOf(name string) string {
	parts := strings.Split(filepath.ToSlash(name), "/")
	switch {
	case parts[0] != "s3":
		return parts[0]
	case parts[2] != "error-data":
		return parts[2]
	case strings.Contains(name, "processing-failed"):
		return "error-data before the transform"
	}
	return "error-data behind the transform"
}

var rawData = regexp.MustCompile(`"rawData":"([^"]+)"`)

// contentOf reads a file as people would: uncompressed, rows of Parquet as JSON, raw data decoded, too.
func contentOf(t *testing.T, path string) []byte {
	t.Helper()
	if strings.HasSuffix(path, ".parquet") {
		rows, err := parquetrows.ReadFile(path, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = io.ReadAll(unzipped); err != nil {
			t.Fatal(err)
		}
	}
	for _, match := range rawData.FindAllSubmatch(text, -1) {
		decoded, err := base64.StdEncoding.DecodeString(string(match[1]))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		text = append(append(text, '\n'), decoded...)
	}
	return text
}
