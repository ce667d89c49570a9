package schema_test

import (
	"regexp"
	"strings"
	"testing"

	"firehose-pipeline/schema"
)

// The schemas that the reference shows are valid, and its table of names is right.
func TestDocumentation(t *testing.T) {
	text := string(readFile(t, "../docs/event-schema.md"))
	whole := 0
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1) {
		source := block[1]
		if strings.HasPrefix(source, "{") {
			whole++
		} else {
			source = `{"type": "object", "properties": {` + source + `}}`
		}
		if _, err := schema.Parse([]byte(source)); err != nil {
			t.Errorf("%s\n%v", source, err)
		}
	}
	if whole == 0 {
		t.Error("no schema is shown")
	}
	names := 0
	_, table, _ := strings.Cut(text, "## Names of columns")
	table, _, _ = strings.Cut(table, "`\"x-column\"")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.Contains(cells[1], "`") || strings.Contains(cells[1], "names that") {
			continue
		}
		keys := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1)
		columns := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1)
		for i, key := range keys {
			names++
			s := parse(t, []byte(`{"type":"object","properties":{"`+key[1]+`":{"type":"string"}}}`))
			if got := s.Columns()[0].Name; got != columns[i][1] {
				t.Errorf("%s: column %s, documented %s", key[1], got, columns[i][1])
			}
		}
	}
	if names < 9 {
		t.Errorf("%d names", names)
	}
}
