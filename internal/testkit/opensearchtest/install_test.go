package opensearchtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOwnHome(t *testing.T) {
	parts := []string{
		"bin/opensearch", "config/jvm.options", "lib/opensearch-2.19.1.jar", "lib/opensearch-core-2.19.1.jar",
		"plugins/opensearch-security/a.jar", "plugins/opensearch-job-scheduler/a.jar",
		"plugins/opensearch-index-management/a.jar",
	}
	home := func(t *testing.T, without string) string {
		t.Helper()
		dir := t.TempDir()
		for _, part := range parts {
			name := filepath.Join(dir, part)
			if part == without {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	t.Run("an installation with the plugins", func(t *testing.T) {
		version, err := ownHome(home(t, ""))
		if err != nil || version != "2.19.1" {
			t.Errorf("got %q, %v", version, err)
		}
	})
	for part, named := range map[string]string{
		"bin/opensearch": "bin/opensearch", "config/jvm.options": "config",
		"lib/opensearch-2.19.1.jar":                 "lib/opensearch-<version>.jar",
		"plugins/opensearch-security/a.jar":         "plugins/opensearch-security",
		"plugins/opensearch-job-scheduler/a.jar":    "plugins/opensearch-job-scheduler",
		"plugins/opensearch-index-management/a.jar": "plugins/opensearch-index-management",
	} {
		t.Run("without "+part, func(t *testing.T) {
			_, err := ownHome(home(t, part))
			if err == nil || !strings.HasPrefix(err.Error(),
				"OPENSEARCH_HOME: must be an installation of OpenSearch with ") ||
				!strings.Contains(err.Error(), named) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("the server does not fall back to another", func(t *testing.T) {
		t.Setenv("OPENSEARCH_HOME", t.TempDir())
		if _, err := New(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "OPENSEARCH_HOME") {
			t.Errorf("got %v", err)
		}
	})
}
