package unzip

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"

	"firehose-pipeline/event"
)

// bufferBytes is the size of each buffer.
const bufferBytes = 64 << 10

// Reader returns the content, unzipped when it is compressed with gzip. Its first bytes decide: name and headers are
// not reliable.
func Reader(content io.Reader) (*bufio.Reader, error) {
	plain := bufio.NewReaderSize(content, bufferBytes)
	magic, err := plain.Peek(2)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if !event.IsGzip(magic) {
		return plain, nil
	}
	unzipped, err := gzip.NewReader(plain)
	if err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(unzipped, bufferBytes), nil
}
