package main_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firehose-pipeline/internal/testkit/functiontest"
)

// TestSeveralInvocationsInOneProcess hands several events at once to one process, as Lambda does when a function allows
// it (AWS_LAMBDA_MAX_CONCURRENCY). The process asks for as many events at once; each round of events is handed out only
// when all of them are asked for, so that they are worked on together.
func TestSeveralInvocationsInOneProcess(t *testing.T) {
	const atOnce, rounds = 4, 15
	events := storeEvents(t)
	batch := func(round, place int) [][]byte { // batches of different sizes and content
		from := (31*round + 97*place) % 400
		return events[from : from+1+(17*round+29*place)%100]
	}

	var mu sync.Mutex
	together := sync.NewCond(&mu)
	asking, handed := 0, 0
	answers := map[string][]byte{}
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			mu.Lock()
			asking++
			number := asking - 1
			round, place := number/atOnce, number%atOnce
			if place == atOnce-1 {
				handed++
				together.Broadcast()
			}
			for handed <= round {
				together.Wait()
			}
			if round == rounds && place == 0 { // all have been answered
				close(done)
			}
			mu.Unlock()
			if round == rounds {
				<-r.Context().Done()
				return
			}
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", fmt.Sprintf("%d-%d", round, place))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			if _, err := w.Write(functiontest.Request(t, batch(round, place)...)); err != nil {
				t.Error(err)
			}
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.HasSuffix(r.URL.Path, "/response") {
			t.Errorf("%s: %v %s", r.URL.Path, err, body)
		}
		mu.Lock()
		answers[strings.Split(r.URL.Path, "/")[4]] = body
		mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, functiontest.Binary("transform"))
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"),
		fmt.Sprint("AWS_LAMBDA_MAX_CONCURRENCY=", atOnce),
		"LAMBDA_TASK_ROOT="+filepath.Dir(functiontest.Binary("transform")), "STREAM=lake", "STACK=pipeline-test", `DROP_EVENT_TYPES=["heartbeat"]`)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-done:
	case <-ctx.Done():
		t.Error("the events were not answered within a minute")
	}
	stop()
	_ = cmd.Wait() // it was killed
	server.CloseClientConnections()

	mu.Lock()
	defer mu.Unlock()
	for round := range rounds {
		for place := range atOnce {
			sent := batch(round, place)
			var answer struct {
				Records []functiontest.AnswerRecord `json:"records"`
			}
			if err := json.Unmarshal(answers[fmt.Sprintf("%d-%d", round, place)], &answer); err != nil ||
				len(answer.Records) != len(sent) {
				t.Fatalf("round %d: %v, %d answers to %d records\n%s", round, err, len(answer.Records), len(sent), &log)
			}
			for i, a := range answer.Records {
				if a.RecordID != functiontest.RecordID(i) || a.Result != "Ok" {
					t.Fatalf("round %d: %+v", round, a)
				}
				data, err := base64.StdEncoding.DecodeString(*a.Data)
				if err != nil {
					t.Fatal(err)
				}
				wantEnriched(t, "lake", sent[i], strings.TrimSuffix(string(data), "\n"))
			}
		}
	}
	if n := strings.Count(log.String(), `"CloudWatchMetrics"`); n != atOnce*rounds {
		t.Errorf("got %d metric lines for %d invocations", n, atOnce*rounds)
	}
}
