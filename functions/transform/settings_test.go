package transform

import (
	"log/slog"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	from := func(env map[string]string) (Settings, error) {
		return SettingsFrom(func(k string) string { return env[k] })
	}
	t.Run("all of them", func(t *testing.T) {
		s, err := from(map[string]string{"STREAM": "search", "DROP_EVENT_TYPES": `["a","b"]`, "LOG_LEVEL": "debug",
			"STACK": "x-dev"})
		if err != nil {
			t.Fatal(err)
		}
		if s.Stream != "search" || strings.Join(s.DropEventTypes, "+") != "a+b" || s.LogLevel != slog.LevelDebug ||
			s.Stack != "x-dev" || s.ReuseAnswer {
			t.Errorf("%+v", s)
		}
	})
	t.Run("each level of the log", func(t *testing.T) {
		for name, want := range map[string]slog.Level{"info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError} {
			if s, err := from(map[string]string{"STREAM": "lake", "STACK": "x", "LOG_LEVEL": name}); err != nil || s.LogLevel != want {
				t.Errorf("%s: got %v, %v", name, s.LogLevel, err)
			}
		}
	})
	t.Run("what may be left out", func(t *testing.T) {
		s, err := from(map[string]string{"STREAM": "lake", "STACK": "x"})
		if err != nil {
			t.Fatal(err)
		}
		if s.DropEventTypes != nil || s.LogLevel != slog.LevelInfo {
			t.Errorf("%+v", s)
		}
	})
	t.Run("every problem at once", func(t *testing.T) {
		_, err := from(map[string]string{"STREAM": "Lake", "DROP_EVENT_TYPES": `["a",1]`, "LOG_LEVEL": "INFO"})
		want := `reading environment:
STREAM: must be lake or search (got "Lake")
DROP_EVENT_TYPES: must be a JSON array of strings (got "[\"a\",1]")
LOG_LEVEL: must be debug, info, warn or error (got "INFO")
STACK: must be the stack's name (got "")`
		if err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
	})
}
