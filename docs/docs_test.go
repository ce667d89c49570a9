// Package docs has the tests of the project's pages.
package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"firehose-pipeline/settings"
)

const root = ".."

// files returns the project's files: those that Git knows or would add.
func files(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("listing files: %v", err)
	}
	var found []string
	for file := range strings.Lines(string(out)) {
		file = strings.TrimSuffix(file, "\n")
		if _, err := os.Stat(filepath.Join(root, file)); err == nil {
			found = append(found, file)
		}
	}
	return found
}

// pages returns the Markdown pages of the project by their paths.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range files(t) {
		if strings.HasSuffix(file, ".md") {
			found[file] = readPage(t, file)
		}
	}
	if len(found) < 15 {
		t.Fatalf("found %d pages", len(found))
	}
	return found
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor  = regexp.MustCompile(`<a id="([^"]+)">`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// anchors returns the anchors of a page as GitHub makes them of its headings, and those that it sets itself.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	page = fence.ReplaceAllString(page, "")
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		found[anchorOf(match[1])] = true
	}
	for _, match := range anchor.FindAllStringSubmatch(page, -1) {
		found[match[1]] = true
	}
	return found
}

func anchorOf(title string) string {
	var text strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ':
			text.WriteRune('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			text.WriteRune(r)
		}
	}
	return text.String()
}

func TestAnchorOf(t *testing.T) {
	for title, want := range map[string]string{
		"After `enableDataTransformation`":             "after-enabledatatransformation",
		"Moving the domain into a VPC, or out of it":   "moving-the-domain-into-a-vpc-or-out-of-it",
		"lake-delivery-failing, lake-delivery-lagging": "lake-delivery-failing-lake-delivery-lagging",
	} {
		if got := anchorOf(title); got != want {
			t.Errorf("%s: must be %s (got %s)", title, want, got)
		}
	}
}

// Every link of a page leads to a file of the project, and to a heading or an anchor in it.
func TestLinks(t *testing.T) {
	all := pages(t)
	known := map[string]bool{}
	for _, file := range files(t) {
		for path := file; path != "."; path = filepath.Dir(path) {
			known[path] = true
		}
	}
	checked := 0
	for path, page := range all {
		for _, match := range link.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
			target, part, _ := strings.Cut(match[1], "#")
			if strings.Contains(match[1], "://") {
				continue
			}
			checked++
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if !known[file] {
				t.Errorf("%s: (%s): there is no %s", path, match[1], file)
			} else if part != "" && !anchors(all[file])[part] {
				t.Errorf("%s: (%s): %s has no heading or anchor %s", path, match[1], file, part)
			}
		}
	}
	if checked < 120 {
		t.Errorf("found %d links", checked)
	}
}

// firstCells returns the first cells in backticks of the table rows of a section.
func firstCells(t *testing.T, path, section string) map[string]bool {
	t.Helper()
	_, text, found := strings.Cut(readPage(t, path), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s: has no section %s", path, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	cells := map[string]bool{}
	for line := range strings.Lines(text) {
		if row, ok := strings.CutPrefix(line, "| `"); ok {
			cell, _, _ := strings.Cut(row, "`")
			cells[cell] = true
		}
	}
	return cells
}

func TestFolders(t *testing.T) {
	const page = "docs/architecture.md"
	folders := map[string]bool{}
	for _, file := range files(t) {
		if folder, _, ok := strings.Cut(file, "/"); ok {
			folders[folder] = true
		}
	}
	cells := firstCells(t, page, "Folders")
	for folder := range folders {
		if !cells[folder] {
			t.Errorf("%s: has no row for the folder %s", page, folder)
		}
	}
	for cell := range cells {
		if !folders[cell] {
			t.Errorf("%s: has a row for %s, which does not exist", page, cell)
		}
	}
}

// The README's list of pages has every page of docs.
func TestReadmeListsEveryPage(t *testing.T) {
	readme := readPage(t, "README.md")
	for path := range pages(t) {
		if filepath.Dir(path) == "docs" && !strings.Contains(readme, "("+path+")") {
			t.Errorf("README.md: has no link to %s", path)
		}
	}
	if lines := strings.Count(readme, "\n"); lines > 220 {
		t.Errorf("README.md: must have at most 220 lines (got %d): the rest belongs to docs", lines)
	}
}

// The versions of the tools have one place for people, README.md's requirements, and agree with the files that tools
// read.
func TestRequirements(t *testing.T) {
	readme := readPage(t, "README.md")
	var manifest struct{ Engines struct{ Node string } }
	if err := json.Unmarshal([]byte(readPage(t, "package.json")), &manifest); err != nil {
		t.Fatal(err)
	}
	node := "Node.js " + strings.TrimPrefix(manifest.Engines.Node, ">=") + " or later"
	version := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindStringSubmatch(readPage(t, "go.mod"))[1]
	if line := "| Everything | Go " + version + ", " + node + ", make |"; !strings.Contains(readme, line) {
		t.Errorf("README.md: must have the line %q, as package.json and go.mod have it", line)
	}
	elsewhere := regexp.MustCompile(`(?i)\b(node(\.js)?|java|jdk|python) \d+(\.\d+)? (or|to|and)\b`)
	for path, page := range pages(t) {
		if path == "README.md" {
			continue
		}
		if found := elsewhere.FindString(page); found != "" {
			t.Errorf("%s: %q: the versions of tools belong to README.md, Requirements", path, found)
		}
	}
	if found := elsewhere.FindString(readPage(t, "Makefile")); found != "" {
		t.Errorf("Makefile: %q: the versions of tools belong to README.md, Requirements", found)
	}
}

// The blocks of cdk.json that the pages show are settings that are accepted.
func TestShownSettings(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```json\n(.*?)^```$")
	shown := 0
	for path, page := range pages(t) {
		for _, match := range block.FindAllStringSubmatch(page, -1) {
			var file struct{ Context json.RawMessage }
			if err := json.Unmarshal([]byte(match[1]), &file); err != nil {
				t.Errorf("%s: %v in %s", path, err, match[1])
			}
			if file.Context == nil {
				continue
			}
			shown++
			for _, environment := range settings.Environments() {
				lookup := func(name string) (string, bool) { return environment, name == "ENVIRONMENT" }
				if _, _, err := settings.Load(file.Context, lookup); err != nil {
					t.Errorf("%s: in %s: %v", path, environment, err)
				}
			}
		}
	}
	if shown < 3 {
		t.Errorf("found %d blocks with settings", shown)
	}
}
