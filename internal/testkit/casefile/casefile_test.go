package casefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const text = "# why\nenv A=1\nenv B=x=y\n{\n  \"key\": 5\n}\n" +
		"----------\n# what\nsetting: key = 5\nnote: a: b\ntemplate: one  two = 3 \n"
	c, err := Parse("name", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.Context); got != "{\n  \"key\": 5\n}" {
		t.Errorf("context: got %q", got)
	}
	if value, ok := c.Lookup("B"); !ok || value != "x=y" {
		t.Errorf("env B: got %q, %v", value, ok)
	}
	if _, ok := c.Lookup("C"); ok {
		t.Error("env C: must not be there")
	}
	if len(c.Settings) != 1 || c.Settings[0].Key != "key" || string(c.Settings[0].JSON) != "5" {
		t.Errorf("settings: got %v", c.Settings)
	}
	if len(c.Notes) != 1 || c.Notes[0] != "a: b" {
		t.Errorf("notes: got %q", c.Notes)
	}
	if len(c.Template) != 1 || c.Template[0] != "one  two = 3 " {
		t.Errorf("template: got %q", c.Template)
	}
	if want := strings.Replace(text, "# what\n", "", 1); string(c.Text()) != want {
		t.Errorf("text: got %q, want %q", c.Text(), want)
	}
}

func TestParseContext(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no context", "----------\nerror: x\n", ""},
		{"only variables", "env A=1\n----------\nerror: x\n", ""},
		{"context that is not JSON", "{\n----------\nerror: x\n", "{"},
		{"blank line before the context", "\n[]\n----------\nerror: x\n", "[]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Parse("name", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if string(c.Context) != test.want {
				t.Errorf("got %q, want %q", c.Context, test.want)
			}
			if string(c.Text()) != test.text {
				t.Errorf("text: got %q, want %q", c.Text(), test.text)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no separator", "{}\nerror: x\n", "no line ----------"},
		{"no expectation", "{}\n----------\n", "no expectation"},
		{"unknown expectation", "{}\n----------\nwarning: x\n", `unknown expectation "warning"`},
		{"expectation without kind", "{}\n----------\nx\n", `no expectation in "x"`},
		{"setting without value", "{}\n----------\nsetting: x\n", "not <key> = <JSON>"},
		{"setting that is not JSON", "{}\n----------\nsetting: x = y\n", "not <key> = <JSON>"},
		{"variable without value", "env A\n{}\n----------\nerror: x\n", `no = in "env A"`},
		{"errors beside settings", "{}\n----------\nerror: x\nsetting: a = 1\n", "errors beside other expectations"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("name", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	folder := t.TempDir()
	if _, err := Read(folder); err == nil {
		t.Error("empty folder: must be an error")
	}
	for _, name := range []string{"b.txt", "a.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("----------\nerror: x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 2 || cases[0].Name != "a" || cases[1].Name != "b" {
		t.Errorf("got %v", cases)
	}
}
