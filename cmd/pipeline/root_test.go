package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// The command accepts the commands that the documentation shows.
func TestDocumentedCommands(t *testing.T) {
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	checked := map[string]int{}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), ".build/pipeline ")
			if !ok {
				continue
			}
			args := strings.Fields(strings.ReplaceAll(command, `"$stack"`, "stack"))
			c := map[string]func() *cobra.Command{"send": newSend, "replay": newReplay, "local": newLocal, "cost": newCost}[args[0]]
			if c == nil {
				continue
			}
			checked[args[0]]++
			parsed := c()
			ran := false
			// before anything is done
			parsed.PreRunE = func(c *cobra.Command, args []string) error { ran = true; return errReported }
			parsed.SetArgs(args[1:])
			parsed.SilenceErrors, parsed.SilenceUsage = true, true
			if err := parsed.Execute(); !ran {
				t.Errorf("%s: %s: %v", page, line, err)
			}
		}
	}
	if checked["send"] < 2 || checked["replay"] < 8 || checked["cost"] < 5 {
		t.Errorf("found %v", checked)
	}
}
