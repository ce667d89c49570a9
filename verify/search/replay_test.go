//go:build opensearch

package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// output is what a process prints, to be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, limit time.Duration, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// served is `pipeline local --serve --opensearch`.
type served struct {
	environment  []string
	lake, search string
	queue        string
	bucket       string
	sqs          *sqs.Client
}

func serve(t *testing.T, arguments ...string) *served {
	t.Helper()
	l := newLocal(t)
	var said output
	all := []string{"local", "--project", root, "--serve", "--listen", "127.0.0.1:0", "--speed", "60", "--throttle=false",
		"--out", l.Out,
		"--opensearch", server.URL.String(), "--opensearch-ca", server.CAFile}
	c := exec.Command(command, append(all, arguments...)...)
	c.Env, c.Stdout, c.Stderr = l.Env, &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGINT) // it may have ended
		if err := <-ended; err != nil {
			t.Errorf("pipeline local --serve: %v\n%s", err, said.String())
		}
	})
	eventually(t, "pipeline local --serve", 3*time.Minute,
		func() bool { return strings.Contains(said.String(), "sqs receive-message") })
	find := func(pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(said.String())
		if m == nil {
			t.Fatalf("no %s in %s", pattern, said.String())
		}
		return m[1]
	}
	url := find(`served on (http://\S+)`)
	s := &served{lake: find(`export LAKE_STREAM=(\S+)`), search: find(`export SEARCH_STREAM=(\S+)`),
		queue: find(`--queue-url (\S+)`), bucket: find(`s3://(\S+)`)}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") {
			s.environment = append(s.environment, variable)
		}
	}
	s.environment = append(s.environment, "AWS_ENDPOINT_URL="+url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	s.sqs = sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	return s
}

// letters returns the number of dead letters, visible and in flight.
func (s *served) letters(t *testing.T) string {
	t.Helper()
	visible, hidden := types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	got, err := s.sqs.GetQueueAttributes(t.Context(),
		&sqs.GetQueueAttributesInput{QueueUrl: aws.String(s.queue),
			AttributeNames: []types.QueueAttributeName{visible, hidden}})
	if err != nil {
		t.Fatal(err)
	}
	return got.Attributes[string(visible)] + "+" + got.Attributes[string(hidden)]
}

// run runs an operator's command with its JSON report.
func (s *served) run(t *testing.T, stdin *bytes.Buffer, arguments ...string) map[string]any {
	t.Helper()
	c := exec.Command(command,
		append(arguments, "--lake-stream", s.lake, "--search-stream", s.search, "--format", "json")...)
	c.Env = s.environment
	if stdin != nil {
		c.Stdin = stdin
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("pipeline %s: %v\n%s%s", arguments[0], err, stdout.String(), stderr.String())
	}
	t.Logf("pipeline %s: %s", arguments[0], stdout.String())
	var report map[string]any
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

// The index misses what came while the server was down past the retry duration, the queue has it, and a replay brings
// it back.
func TestReplayAfterAnOutage(t *testing.T) {
	const half = 800 // below 1,000 failed records an object: each has a dead letter of its own
	clean(t)
	// 60 s of the model are one of the machine's: the retry duration is over after half a second.
	s := serve(t, "-c", "openSearchRetrySeconds=30")
	events := func(from, to int) *bytes.Buffer {
		var b bytes.Buffer
		if err := writeEvents(&b, from, to); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	documents := func() int { // -1 while an index is being made
		status, _, err := server.Do(t.Context(), server.Master, "POST", "/realtime-events-2*/_refresh", "")
		var answer []byte
		if err == nil && status == 200 {
			status, answer, err = server.Do(t.Context(), server.Master, "GET", "/realtime-events-2*/_count", "")
		}
		if err != nil || status != 200 {
			return -1
		}
		return decode[struct{ Count int }](t, answer).Count
	}

	s.run(t, events(0, half), "send", "--events", "-")
	eventually(t, "the first half in the index", 2*time.Minute, func() bool { return documents() == half })
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	s.run(t, events(half, 2*half), "send", "--events", "-")
	eventually(t, "the second half in the queue", 3*time.Minute,
		func() bool { return s.letters(t) == fmt.Sprintf("%d+0", half) })
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := documents(); got != half {
		t.Fatalf("the index has %d documents before the replay", got)
	}
	s.run(t, nil, "replay", "--queue-url", s.queue, "--bucket", s.bucket, "--yes")
	eventually(t, "every event in the index", 2*time.Minute, func() bool { return documents() == 2*half })
	ids := decode[struct {
		Aggregations struct{ IDs struct{ Value int } }
	}](t, ask(t, server.Master, 200, "POST", "/realtime-events-2*/_search?size=0",
		`{"aggs":{"ids":{"cardinality":{"field":"event_id","precision_threshold":40000}}}}`))
	if got := ids.Aggregations.IDs.Value; got != 2*half {
		t.Errorf("the index has %d different events", got)
	}
	eventually(t, "the queue empty", time.Minute, func() bool { return s.letters(t) == "0+0" })
}
