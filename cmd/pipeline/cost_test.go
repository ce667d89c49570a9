package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firehose-pipeline/cost"
)

// costTemplate is a small stack of the shape that the app writes.
const costTemplate = "../../cost/testdata/direct.template.json"

// runCost runs the command for 1,000 events a second of 253 bytes.
func runCost(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	args = append([]string{"cost", "--template", costTemplate, "--events-per-second", "1000"}, args...)
	status = run(args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// The report has the amounts of cost/testdata/1-direct.txt.
func TestCostReport(t *testing.T) {
	status, text, stderr := runCost(t, "--bytes", "253", "--explain", "--compare")
	if status != 0 || stderr != "" {
		t.Fatalf("%d: %s", status, stderr)
	}
	for _, want := range []string{"lake stream: ingestion", "363.41 ?", "1,000 events/s × 2,628,000 s × 5,120 bytes",
		"12,531.28 GB × $0.029 per GB = $363.41", "price: secondhand", "total", "packed", "enableOpenSearch=false",
		"without a charge of their own", "assumptions", "free for each account, not applied: 20,000 requests"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	status, text, _ = runCost(t, "--bytes", "253", "--format", "json", "--pack")
	var report struct {
		USD   float64
		Lines []struct {
			Item, How, Source string
			USD               *float64
		}
	}
	if err := json.Unmarshal([]byte(text), &report); status != 0 || err != nil || len(report.Lines) < 20 {
		t.Fatalf("%d, %v: %s", status, err, text)
	}
	if line := report.Lines[0]; line.USD == nil || *line.USD != 18.08 || line.How == "" || line.Source == "" {
		t.Errorf("got %+v", line)
	}
}

// A sample gives the sizes: blank lines and lines over Firehose's limit do not count.
func TestCostOfASample(t *testing.T) {
	event := `{"event_id":"` + strings.Repeat("x", 253-15) + `"}`
	sample := filepath.Join(t.TempDir(), "events.ndjson")
	text := event + "\n\n" + event + "\n" + `{"a":"` + strings.Repeat("x", 1<<20) + `"}` + "\n" + event
	if err := os.WriteFile(sample, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, want, _ := runCost(t, "--bytes", "253")
	status, got, stderr := runCost(t, "--events", sample)
	if status != 0 || got != want || !strings.Contains(stderr, "1 line of over 1024000 bytes left out") {
		t.Errorf("%d: %s\n%s\nwant\n%s", status, stderr, got, want)
	}
}

// A carriage return before the newline is part of the line end, which send does not put.
func TestCostOfASampleWithCarriageReturns(t *testing.T) {
	event := `{"event_id":"` + strings.Repeat("x", 253-15) + `"}`
	sample := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(sample, []byte(strings.Repeat(event+"\r\n", 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, want, _ := runCost(t, "--bytes", "253")
	if status, got, stderr := runCost(t, "--events", sample); status != 0 || got != want {
		t.Errorf("%d: %s\n%s\nwant\n%s", status, stderr, got, want)
	}
}

// An interruption does not wait for a pipe on which nothing comes.
func TestCostIsInterruptedWhileItReads(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l := &costCommand{events: "-", stdin: reader, screen: newScreen(io.Discard)}
	if err := l.readSizes(ctx, &cost.Sizes{}); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want an interruption", err)
	}
}

func TestCostUsage(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, broken := write("empty", "\n\n"), write("broken.json", `{"region":"x"}`)
	for want, args := range map[string][]string{
		"--bytes: must be the bytes":     {},
		"not both":                       {"--bytes", "1", "--events", empty},
		"whole number above 0":           {"--bytes", "2.5"},
		"1024000":                        {"--bytes", "1024001"},
		"must be at most 2147483647":     {"--bytes", "1e12"},
		"number at least 1":              {"--bytes", "1", "--peak", "0.5"},
		"only with --compare":            {"--bytes", "1", "--instance-type", "r7g.large.search"},
		"only with --refresh":            {"--bytes", "1", "--region", "eu-west-1"},
		"must have at least one event":   {"--events", empty},
		"no such file":                   {"--bytes", "1", "--prices", filepath.Join(folder, "none")},
		"date: must be a day":            {"--bytes", "1", "--prices", broken},
		"must be text or json":           {"--bytes", "1", "--format", "xml"},
		"-c: has no effect":              {"--bytes", "1", "-c", "environment=dev"},
		"flag: must be a number above 0": {"--bytes", "1", "--events-per-second", "0"},
	} {
		if status, _, stderr := runCost(t, args...); status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: %d, %s, want %q", args, status, stderr, want)
		}
	}
}

// Names of a template never reach the terminal as they are.
func TestCostEscapesNames(t *testing.T) {
	template := filepath.Join(t.TempDir(), "x.template.json")
	text := `{"Resources":{"A\u001b[31m":{"Type":"AWS::Evil\u001b]0;x\u0007::Thing","Condition":"\u202e"}}}`
	if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "json"} {
		status, stdout, stderr := runCost(t, "--bytes", "1", "--template", template, "--format", format)
		if status != 0 || !strings.Contains(stdout, "Evil") || strings.ContainsAny(stdout+stderr, "\x1b\a\u202e") {
			t.Errorf("%d: %q %q", status, stdout, stderr)
		}
	}
}

// --refresh asks the endpoint that the environment names, writes the file, and the next estimate uses it.
func TestCostRefresh(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		products := []string{}
		if strings.Contains(string(body), "Event-by-Event Processing") {
			products = append(products, `{"product":{"attributes":{"usagetype":"EU-BilledBytes","regionCode":"eu-west-1"}},`+
				`"terms":{"OnDemand":{"a":{"priceDimensions":{"b":{"beginRange":"0","endRange":"Inf",`+
				`"pricePerUnit":{"USD":"0.0310000000"}}}}}}}`)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if err := json.NewEncoder(w).Encode(map[string]any{"FormatVersion": "aws_v1", "PriceList": products}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "test",
		"AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": ""} {
		t.Setenv(name, value)
	}
	prices := filepath.Join(t.TempDir(), "prices.json")
	var stdout, stderr bytes.Buffer
	args := []string{"cost", "--refresh", "--region", "eu-west-1", "--prices", prices}
	if status := run(args, strings.NewReader(""), &stdout, &stderr); status != 0 ||
		!strings.Contains(stderr.String(), "1 price of eu-west-1") ||
		!strings.Contains(stderr.String(), "firehose.conversion: no product matches: unknown in this region") {
		t.Fatalf("%d: %s", status, stderr.String())
	}
	status, text, _ := runCost(t, "--bytes", "253", "--prices", prices)
	// 12,531.28 GB at 0.031, without a mark; nothing else has a price in this region.
	if status != 0 || !strings.Contains(text, "388.47\n") || !strings.Contains(text, "in eu-west-1") ||
		!strings.Contains(text, "lines of unknown price") {
		t.Errorf("%d: %s", status, text)
	}
	if status := run(args[:2], strings.NewReader(""), &stdout, &stderr); status != exitUsage ||
		!strings.Contains(stderr.String(), "--region: must be set") {
		t.Errorf("without a region: %d, %s", status, stderr.String())
	}
}
