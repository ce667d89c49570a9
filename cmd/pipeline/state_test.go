package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

// A second run with a state that another one uses sends nothing, and says why.
func TestStateInUse(t *testing.T) {
	dir := t.TempDir()
	names := map[event.Stream]string{event.Lake: "l"}
	state, err := producer.OpenState(filepath.Join(dir, "send.state"), names)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := replay.OpenJournal(filepath.Join(dir, "replay.state"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, args := range map[string][]string{
		"send.state": {"send", "--events", "-", "--lake-stream", "l"},
		"replay.state": {"replay", "--queue-url", "https://sqs.eu-west-1.amazonaws.com/111122223333/q", "--lake-stream", "l",
			"--yes"},
	} {
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, stderr := command(t, exitFailed, strings.NewReader("{}\n"), append(args, "--region", "eu-west-1", "--state",
			path)...)
		if want := "--state: reading the state: " + path + ": another run uses it\n"; !strings.HasSuffix(stderr, want) {
			t.Errorf("got %q, want %q", stderr, want)
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: got %q, %v, want %q", name, after, err, before)
		}
	}
	if err := state.Close(); err != nil {
		t.Error(err)
	}
	if err := journal.Close(); err != nil {
		t.Error(err)
	}
}
