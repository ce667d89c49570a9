package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// firstCells returns the first cells in backticks of the table rows of a section of a Markdown page, each with its row.
func firstCells(t *testing.T, path, section string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s: has no section %s", path, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	cells := map[string]string{}
	for line := range strings.Lines(text) {
		row, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		first, rest, _ := strings.Cut(row, " |")
		for _, cell := range strings.Split(first, ",") {
			cells[strings.Trim(cell, " `")] = rest
		}
	}
	return cells
}

// The README's tables are true: every setting with the default of every environment, every output, every folder.
func TestReadmeTables(t *testing.T) {
	t.Run("settings", func(t *testing.T) {
		cells := firstCells(t, "README.md", "Settings")
		for _, s := range settings.List() {
			row, ok := cells[s.Key]
			if !ok {
				t.Errorf("README.md: has no row for the setting %s", s.Key)
				continue
			}
			for _, environment := range settings.Environments() {
				value := strings.Trim(string(s.Defaults[environment]), `"`)
				if value == "" || value == "[]" || value == "null" || value == "0" {
					continue // written as none or never
				}
				if !strings.Contains(row, value) {
					t.Errorf("README.md: the row of %s does not name the default of %s, %s", s.Key, environment, value)
				}
			}
			if _, ok := cells[s.Variable]; s.Variable != "" && !ok {
				t.Errorf("README.md: does not name the variable %s", s.Variable)
			}
		}
	})
	t.Run("outputs", func(t *testing.T) {
		cells := firstCells(t, "README.md", "Outputs")
		for _, variant := range []string{"dev", "vpc new"} {
			for name := range synth(t, variants[variant]).Outputs {
				if _, ok := cells[name]; !ok {
					t.Errorf("README.md: has no row for the output %s", name)
				}
			}
		}
	})
	t.Run("folders", func(t *testing.T) {
		files, err := exec.Command("git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard").Output()
		if err != nil {
			t.Fatalf("listing files: %v", err)
		}
		folders := map[string]bool{}
		for file := range strings.Lines(string(files)) {
			if folder, _, ok := strings.Cut(file, "/"); ok {
				folders[folder] = true
			}
		}
		cells := firstCells(t, "README.md", "Folders")
		for folder := range folders {
			if _, ok := cells[folder]; !ok {
				t.Errorf("README.md: has no row for the folder %s", folder)
			}
		}
		for cell := range cells {
			if !folders[cell] {
				t.Errorf("README.md: has a row for %s, which is not there", cell)
			}
		}
	})
}
