package s3

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// etagHeader carries an ETag that is not an MD5 (a multipart upload's) past gofakes3, which knows only hashes.
const etagHeader = "X-Local-Etag"

// adaptRequest adds features that gofakes3 lacks: uploads in aws-chunked encoding with trailers, HEAD of a version,
// ETags of multipart uploads. It also keeps out pages of web browsers, which can reach loopback too.
func adaptRequest(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			http.Error(w, "requests from web pages are refused", http.StatusForbidden)
			return
		}
		if r.Method == http.MethodHead && r.URL.Query().Get("versionId") != "" {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet // the server leaves out the body all the same
		}
		if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
			if err := decodeChunks(r); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		answer := &etagWriter{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		if !answer.wrote { // HEAD
			answer.WriteHeader(http.StatusOK)
		}
	})
}

// etagWriter puts the ETag that the store has kept in the place of the one that gofakes3 made.
type etagWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *etagWriter) WriteHeader(code int) {
	if h := w.Header(); !w.wrote && h.Get(etagHeader) != "" {
		h.Set("ETag", h.Get(etagHeader))
		h.Del(etagHeader)
	}
	w.wrote = true
	w.ResponseWriter.WriteHeader(code)
}

func (w *etagWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// decodeChunks makes a request in aws-chunked encoding a plain one. Signatures of chunks and trailing checksums are
// dropped.
func decodeChunks(r *http.Request) error {
	size, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || size < 0 {
		return fmt.Errorf("x-amz-decoded-content-length: must be a size (got %q)",
			r.Header.Get("X-Amz-Decoded-Content-Length"))
	}
	var encodings []string
	for _, name := range strings.Split(r.Header.Get("Content-Encoding"), ",") {
		if name = strings.TrimSpace(name); name != "" && name != "aws-chunked" {
			encodings = append(encodings, name)
		}
	}
	r.Header.Del("Content-Encoding")
	if len(encodings) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(encodings, ","))
	}
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	r.Header.Set("Content-Length", strconv.FormatInt(size, 10))
	r.ContentLength = size
	r.Body = &chunkReader{in: bufio.NewReader(r.Body), body: r.Body}
	return nil
}

// chunkReader reads aws-chunked encoding: size in hexadecimal, extensions after ";", CRLF, data, CRLF; a chunk of size
// 0 and the trailers end it.
type chunkReader struct {
	in   *bufio.Reader
	body io.Closer
	left int64
	err  error
}

var errChunk = errors.New("aws-chunked encoding is broken")

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.left == 0 && c.err == nil {
		c.left, c.err = c.nextChunk()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == nil && c.left == 0 {
		err = c.lineEnd()
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	c.err = err
	if n > 0 {
		return n, nil
	}
	return n, err
}

// nextChunk reads the head of a chunk; io.EOF after the last one.
func (c *chunkReader) nextChunk() (int64, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, errChunk
	}
	head, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
	size, err := strconv.ParseInt(head, 16, 63)
	if err != nil || size < 0 {
		return 0, errChunk
	}
	if size == 0 {
		if _, err := io.Copy(io.Discard, io.LimitReader(c.in, 64<<10)); err != nil { // trailers
			return 0, err
		}
		return 0, io.EOF
	}
	return size, nil
}

func (c *chunkReader) lineEnd() error {
	var end [2]byte
	if _, err := io.ReadFull(c.in, end[:]); err != nil || end != [2]byte{'\r', '\n'} {
		return errChunk
	}
	return nil
}

func (c *chunkReader) Close() error { return c.body.Close() }
