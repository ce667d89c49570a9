package docs

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	namedTest = regexp.MustCompile("`([a-z./]+) (Test[A-Za-z0-9]+)`")
	attackRow = regexp.MustCompile(`(?m)^\| (.+) \| (.+) \| (.+) \|$`)
)

// Each attack of docs/security.md has tests, and each of them exists.
func TestAttacksHaveTests(t *testing.T) {
	page := readPage(t, "docs/security.md")
	_, section, _ := strings.Cut(page, "\n## Attacks\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := attackRow.FindAllStringSubmatch(section, -1)
	if len(rows) < 22 { // with the heading and its line
		t.Fatalf("docs/security.md: found %d rows of attacks", len(rows))
	}
	for _, row := range rows[2:] {
		tests := namedTest.FindAllStringSubmatch(row[3], -1)
		if len(tests) == 0 {
			t.Errorf("%s: has no test", row[1])
		}
		for _, named := range tests {
			if !hasTest(t, named[1], named[2]) {
				t.Errorf("%s: there is no %s in %s or in its bootstrap", row[1], named[2], named[1])
			}
		}
	}
}

// hasTest looks for a test in the files of a folder, and of the folder bootstrap of a function.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	for _, pattern := range []string{"*_test.go", "bootstrap/*_test.go"} {
		files, err := filepath.Glob(filepath.Join(root, folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "\nfunc "+name+"(") {
				return true
			}
		}
	}
	return false
}

// Every dependency has one version, and a checksum where its registry has them.
func TestDependenciesArePinned(t *testing.T) {
	exact := regexp.MustCompile(`^[0-9]+(\.[0-9]+)*[-.0-9A-Za-z]*$`)
	for _, file := range files(t) {
		switch filepath.Base(file) {
		case "package.json":
			checkPackage(t, file, exact)
		case "requirements.txt":
			for line := range strings.Lines(readPage(t, file)) {
				line = strings.TrimSpace(line)
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if _, version, ok := strings.Cut(line, "=="); !ok || !exact.MatchString(version) {
					t.Errorf("%s: %s has no version", file, line)
				}
			}
		}
	}
}

// checkPackage checks that package.json names exact versions, and that package-lock.json has a checksum for each package.
func checkPackage(t *testing.T, file string, exact *regexp.Regexp) {
	t.Helper()
	var wanted struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal([]byte(readPage(t, file)), &wanted); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	lockFile := filepath.Join(filepath.Dir(file), "package-lock.json")
	var lock struct {
		Packages map[string]struct{ Version, Integrity string }
	}
	if err := json.Unmarshal([]byte(readPage(t, lockFile)), &lock); err != nil {
		t.Fatalf("%s: %v", lockFile, err)
	}
	for _, dependencies := range []map[string]string{wanted.Dependencies, wanted.DevDependencies} {
		for name, version := range dependencies {
			if locked := lock.Packages["node_modules/"+name]; !exact.MatchString(version) || locked.Version != version {
				t.Errorf("%s: %s must have one version, that of %s (got %q, %q)", file, name, lockFile, version, locked.Version)
			}
		}
	}
	for place, locked := range lock.Packages {
		if place != "" && locked.Integrity == "" {
			t.Errorf("%s: %s has no checksum", lockFile, place)
		}
	}
}
