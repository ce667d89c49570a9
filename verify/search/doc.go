// Package search tests the search index on a real OpenSearch with its real security plugin: `make verify` runs it,
// and so does `go test -tags opensearch ./verify/search`. The tests share one server, whose cluster is empty before
// the first.
package search
