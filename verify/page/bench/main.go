package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mode is a pace of the events.
type mode struct {
	name  string
	flags []string
}

var modes = []mode{
	{"as fast as possible", nil},
	{"10,000 events a second", []string{"--speed", "10"}},
}

// maxRatio is the most that the page may cost.
const maxRatio = 1.1

func main() {
	pipeline := flag.String("pipeline", ".build/pipeline", "the `COMMAND` to measure")
	events := flag.Int("events", 100_000, "events of a run")
	rounds := flag.Int("rounds", 7, "runs of each kind")
	flag.Parse()
	if err := runBench(*pipeline, *events, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runBench(pipeline string, events, rounds int) error {
	folder, err := os.MkdirTemp("", "bench-page-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b := bench{pipeline: pipeline, folder: folder, input: filepath.Join(folder, "events.ndjson")}
	if err := writeEvents(b.input, events); err != nil {
		return err
	}
	failed := false
	for _, m := range modes {
		ratio, err := b.measure(m, rounds)
		if err != nil {
			return err
		}
		failed = failed || ratio > maxRatio
	}
	if failed {
		return fmt.Errorf("the page must cost at most %.2f times the CPU time of a run without it", maxRatio)
	}
	return nil
}

// writeEvents writes the shop's events again and again, each with an id of its own.
func writeEvents(path string, n int) error {
	text, err := os.ReadFile("testdata/store-events.ndjson")
	if err != nil {
		return err
	}
	shop := strings.Split(strings.TrimSpace(string(text)), "\n")
	var all bytes.Buffer
	for i := range n {
		_, rest, _ := strings.Cut(shop[i%len(shop)], ",")
		fmt.Fprintf(&all, "{\"event_id\":\"store-%08d\",%s\n", i, rest)
	}
	return os.WriteFile(path, all.Bytes(), 0o600)
}

type bench struct{ pipeline, folder, input string }

// measure runs with and without the page in turn, and prints the medians.
func (b *bench) measure(m mode, rounds int) (ratio float64, err error) {
	var with, without []float64
	asked := 0
	for round := range 2 * rounds {
		shown := (round+round/2)%2 == 1 // without, with, with, without: a machine that slows down favours neither
		seconds, polls, err := b.runOnce(m, shown)
		if err != nil {
			return 0, err
		}
		if asked += polls; shown {
			with = append(with, seconds)
		} else {
			without = append(without, seconds)
		}
	}
	slices.Sort(with)
	slices.Sort(without)
	ratio = median(with) / median(without)
	return ratio, json.NewEncoder(os.Stdout).Encode(map[string]any{"pace": m.name, "rounds": rounds,
		"cpuSecondsWithoutPage": median(without), "cpuSecondsWithPage": median(with), "ratio": ratio,
		"requestsOfARun": asked / rounds})
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// runOnce returns the CPU time of one run and of all processes that it started, and the requests of its browser.
func (b *bench) runOnce(m mode, shown bool) (cpu float64, requests int, err error) {
	arguments := append([]string{"local", "--events", b.input, "--out", filepath.Join(b.folder, "out"), "--format", "json",
		"--template", "local/template/testdata/dev.template.json"}, m.flags...)
	if shown {
		arguments = append(arguments, "--page", "--page-listen", "127.0.0.1:0")
	}
	command := exec.Command(b.pipeline, arguments...)
	said, err := command.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	polling := make(chan int, 1)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var problems bytes.Buffer
	started := false
	for lines := bufio.NewScanner(io.TeeReader(said, &problems)); lines.Scan(); {
		if address, ok := strings.CutPrefix(lines.Text(), "The page of this run: "); ok {
			started = true
			go func() { polling <- followRun(ctx, strings.TrimSuffix(address, "/")) }()
		}
	}
	if err := command.Wait(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w: %s", command, err, problems.Bytes())
	}
	stop()
	if started {
		requests = <-polling
	}
	if shown && requests < 2 {
		return 0, 0, fmt.Errorf("the page was asked %d times only", requests)
	}
	state := command.ProcessState
	return (state.UserTime() + state.SystemTime()).Seconds(), requests, nil
}

var tokenText = regexp.MustCompile(`"token":"([A-Z2-7]+)"`)

// followRun asks as an open page does that nobody touches: the state twice a second, and the open list of files when
// the state has changed. It ends with the run.
func followRun(ctx context.Context, address string) (requests int) {
	document, _, err := ask(ctx, address+"/", "", "")
	token := tokenText.FindSubmatch(document)
	if err != nil || token == nil {
		return 0
	}
	for tag := ""; err == nil; requests++ {
		var changed []byte
		changed, tag, err = ask(ctx, address+"/api/state", string(token[1]), tag)
		if err == nil && len(changed) > 0 {
			_, _, err = ask(ctx, address+"/api/files?area=lake&after=", string(token[1]), "")
			requests++
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return requests
}

// ask returns an answer and its tag; an unchanged one is empty.
func ask(ctx context.Context, url, token, tag string) ([]byte, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("X-Page-Token", token)
	if tag != "" {
		request.Header.Set("If-None-Match", tag)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK && response.StatusCode != http.StatusNotModified {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return text, response.Header.Get("ETag"), err
}
