package settings

import (
	"os"
	"strings"
	"testing"
)

// The reference is the part of docs/settings.md below this line; the text above it is written by hand.
const generatedBelow = "<!-- Generated from settings/table.go by make update: do not edit below this line. -->\n\n"

func TestReferenceIsInTheDocumentation(t *testing.T) {
	const path = "../docs/settings.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	written, old, found := strings.Cut(string(page), generatedBelow)
	if !found {
		t.Fatalf("%s: must have the line %s", path, strings.TrimSpace(generatedBelow))
	}
	reference := strings.TrimSpace(Reference()) + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(written+generatedBelow+reference), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != reference {
		t.Errorf("%s: must be what settings/table.go says: make update writes it", path)
	}
}

func TestReferenceDescribesEverySetting(t *testing.T) {
	reference := Reference()
	for _, s := range List() {
		if strings.Count(reference, "\n### `"+s.Key+"`\n") != 1 {
			t.Errorf("%s: must have one part of the reference", s.Key)
		}
	}
	for _, line := range []string{
		"- Accepts: 1 to 128 MiB\n- Default: `5`\n" +
			"- Environment variable: `BUFFER_SIZE_MB`\n- A change: in place: lake stream",
		"- Default: `1` in dev, `2` in staging, `3` in production\n",
		"- Default: `\"2.19\"`\n",
		"- Accepts: never or 1 to 36500 days\n- Default: `never`\n",
		"- Accepts: none or a list of Availability Zones such as eu-west-1a\n- Default: none\n",
	} {
		if !strings.Contains(reference, line) {
			t.Errorf("the reference must contain %q", line)
		}
	}
}
