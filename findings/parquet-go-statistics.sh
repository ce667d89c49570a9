#!/usr/bin/env bash
# parquet-go 0.32.0: minimum and maximum of a string column are written whole, uncompressed, for each page and each column
# chunk. Five values of 900 kB that compress to nothing make a file of 27 MB, 9 MB of it footer, which every reader loads.
# Other writers cut such values. DataPageStatistics(false) leaves out those of the pages, and SkipPageBounds, of all names,
# those of the footer, not of the pages.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init finding >/dev/null 2>&1
cat >main.go <<'EOF'
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go"
)

type row struct{ Body string }

// sizes writes five row groups of one value and returns the sizes of the file and of its footer.
func sizes(options ...parquet.WriterOption) (file, footer int) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, append(options, parquet.Compression(&parquet.Zstd))...)
	for group := range 5 {
		if _, err := w.Write([]row{{strings.Repeat(string(rune('a'+group)), 900_000)}}); err != nil {
			panic(err)
		}
		if err := w.Flush(); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Len(), int(binary.LittleEndian.Uint32(b.Bytes()[b.Len()-8:]))
}

func main() {
	file, footer := sizes()
	bare, bareFooter := sizes(parquet.DataPageStatistics(false))
	none, noneFooter := sizes(parquet.SkipPageBounds("Body"))
	fmt.Printf("5 values of 900 kB:      file %8d, footer %8d\n", file, footer)
	fmt.Printf("without page statistics: file %8d, footer %8d\n", bare, bareFooter)
	fmt.Printf("SkipPageBounds:          file %8d, footer %8d\n", none, noneFooter)
	if file < 18_000_000 || footer < 9_000_000 || bareFooter < 9_000_000 || none < 18_000_000 || noneFooter > 9_000 {
		panic("the behaviour has changed")
	}
}
EOF
go get github.com/parquet-go/parquet-go@v0.32.0 >/dev/null 2>&1
echo "parquet-go $(go list -m -f '{{.Version}}' github.com/parquet-go/parquet-go)"
go run .
