package transform

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/schema"
)

// Settings are from the function's environment.
type Settings struct {
	Stream         event.Stream // STREAM: lake or search
	DropEventTypes []string     // DROP_EVENT_TYPES: JSON array of strings; none when empty
	LogLevel       slog.Level   // LOG_LEVEL: debug, info, warn or error; info when empty
	Stack          string       // STACK: name of the stack, for the metrics

	// Layout is the compiled event schema; see [ReadLayout]. Not read from the environment.
	Layout *event.Layout
	// HashKey is the key of values with x-protect hash, when the schema has any. HashSecret (HASH_SECRET_ARN) is the
	// ARN of the secret that holds it; the caller reads it.
	HashKey    []byte
	HashSecret string

	// ReuseAnswer lets each answer use the memory of the one before, which saves getting and clearing about a megabyte.
	// It is only for a caller that has done with an answer before it calls Invoke again: aws-lambda-go when it serves
	// one invocation at a time, because it asks for the next one after the Runtime API has accepted the answer. Not
	// read from the environment.
	ReuseAnswer bool
}

// ReadLayout reads and compiles the event schema in a folder, which for a function is that of its executable.
func ReadLayout(dir string) (*event.Layout, error) {
	s, err := schema.Load(filepath.Join(dir, schema.FileName))
	if err != nil {
		return nil, err
	}
	layout, err := event.Compile(s)
	if err != nil {
		return nil, fmt.Errorf("compiling event schema: %w", err)
	}
	return layout, nil
}

// SettingsFrom reads the settings with getenv, which is os.Getenv. The error names every variable that is wrong, one a
// line.
func SettingsFrom(getenv func(string) string) (Settings, error) {
	var problems []string
	wrong := func(name, rule string) {
		problems = append(problems, fmt.Sprintf("%s: must be %s (got %q)", name, rule, getenv(name)))
	}
	s := Settings{Stream: event.Stream(getenv(contract.EnvStream)), Stack: getenv(contract.EnvStack),
		HashSecret: getenv(contract.EnvHashSecret)}
	if !s.Stream.Valid() {
		wrong(contract.EnvStream, "lake or search")
	}
	if types := getenv(contract.EnvDropEventTypes); types != "" {
		if err := json.Unmarshal([]byte(types), &s.DropEventTypes); err != nil {
			wrong(contract.EnvDropEventTypes, "a JSON array of strings")
		}
	}
	switch level := getenv(contract.EnvLogLevel); level {
	case "", "info":
	case "debug":
		s.LogLevel = slog.LevelDebug
	case "warn":
		s.LogLevel = slog.LevelWarn
	case "error":
		s.LogLevel = slog.LevelError
	default:
		wrong(contract.EnvLogLevel, "debug, info, warn or error")
	}
	if s.Stack == "" {
		wrong(contract.EnvStack, "the stack's name")
	}
	if len(problems) > 0 {
		return Settings{}, fmt.Errorf("reading environment:\n%s", strings.Join(problems, "\n"))
	}
	return s, nil
}
