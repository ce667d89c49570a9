// Program post posts the lines of its standard input to a front door, 500 a request, signed with the signer of
// aws-sdk-go-v2. It sends again what was throttled, and fails on any other response.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "post:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("post", flag.ContinueOnError)
	url := flags.String("url", "", "address of the front door")
	key := flags.String("key", "", "API key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	var batch [][]byte
	for lines.Scan() {
		batch = append(batch, bytes.Clone(lines.Bytes()))
		if len(batch) == 500 {
			if err := postBatch(ctx, *url, *key, batch); err != nil {
				return err
			}
			batch = nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(batch) == 0 {
		return nil
	}
	return postBatch(ctx, *url, *key, batch)
}

// postBatch posts until every event is accepted.
func postBatch(ctx context.Context, url, key string, batch [][]byte) error {
	for range 1000 {
		status, answer, err := post(ctx, url, key, bytes.Join(batch, []byte("\n")))
		switch {
		case err != nil:
			return err
		case status == http.StatusOK && answer.Events == len(batch) && answer.Failed == 0:
			return nil
		case status == http.StatusMultiStatus:
			var failed [][]byte
			for _, f := range answer.Failures {
				failed = append(failed, batch[f.Event-1])
			}
			batch = failed
		case status != http.StatusTooManyRequests:
			return fmt.Errorf("status %d: %s", status, answer.Message)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%d events are throttled after 1,000 requests", len(batch))
}

type answer struct {
	Events, Failed int
	Failures       []struct{ Event int }
	Message        string
}

func post(ctx context.Context, url, key string, body []byte) (int, answer, error) {
	var a answer
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, a, err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	if key != "" {
		request.Header.Set("X-Api-Key", key)
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, request, hex.EncodeToString(sum[:]), "execute-api", "us-east-1",
		time.Now()); err != nil {
		return 0, a, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, a, err
	}
	defer response.Body.Close()
	err = json.NewDecoder(response.Body).Decode(&a)
	return response.StatusCode, a, err
}
