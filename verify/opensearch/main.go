package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"firehose-pipeline/internal/testkit/opensearchtest"
)

func main() {
	port := flag.Int("port", 9200, "`port` of the HTTPS endpoint on 127.0.0.1; 0 for any free one")
	flag.Parse()
	if err := run(*port); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(port int) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server, err := opensearchtest.New(ctx, opensearchtest.Options{Port: port, Progress: os.Stderr})
	if err != nil {
		return err
	}
	defer func() {
		if closing := server.Close(); err == nil {
			err = closing
		}
	}()
	fmt.Printf(`OpenSearch %s with an empty cluster, until Ctrl-C. As its master user:
  export OPENSEARCH_USER=%s OPENSEARCH_PASSWORD=%s OPENSEARCH_CA=%s
  curl --cacert "$OPENSEARCH_CA" -u "$OPENSEARCH_USER:$OPENSEARCH_PASSWORD" %s/_cat/indices
  .build/pipeline local --events testdata/store-events.ndjson --out .build/local --check --opensearch %[5]s
`, server.Version(), server.Master.Name, server.Master.Password, server.CAFile, server.URL)
	<-ctx.Done()
	return nil
}
