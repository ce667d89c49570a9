package searchsetup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	callTimeout = 30 * time.Second
	// maxAnswer bounds a response, in bytes: the mappings of a year of hourly indices are some 20 MB.
	maxAnswer = 32 << 20
	// maxQuoted bounds what an error quotes of an answer, in bytes: CloudFormation takes 4 KB for everything.
	maxQuoted = 500
	// maxNamed bounds what an error names of a path, in bytes.
	maxNamed = 200
)

// Client calls the REST API of an OpenSearch server.
type Client struct {
	Base *url.URL     // scheme and host
	HTTP *http.Client // nil: http.DefaultClient
	Sign Signer       // nil: requests go unsigned
	Log  *slog.Logger // nil: slog.Default()
}

// CallError is an answer other than the expected, or none.
type CallError struct {
	Method, Path string
	Status       int    // 0: no answer came
	Answer       string // the first bytes of the body, printable
	Err          error  // what went wrong, when Status is 0

	// block is from a cluster_block_exception; nil for another response.
	block *block
	// final says that the same request gets the same answer, whatever the status.
	final bool
	// overtaken says that the answer follows from a change since the state was read: reading it again may help.
	overtaken bool
}

func (e *CallError) Error() string {
	path := e.Path
	if len(path) > maxNamed {
		path = fmt.Sprintf("%s… (%d bytes)", path[:maxNamed], len(path))
	}
	if e.Status == 0 {
		return fmt.Sprintf("%s %s: %s", e.Method, path, escapeText(e.Err.Error()))
	}
	return fmt.Sprintf("%s %s answered %d: %s", e.Method, path, e.Status, e.Answer)
}

func (e *CallError) Unwrap() error { return e.Err }

// isTemporary reports whether a young or busy domain may give another answer later. A domain answers 403 to its master
// role too until its security plugin has read its configuration, and 503 before that.
func (e *CallError) isTemporary() bool {
	if e.final || e.block != nil {
		return !e.final
	}
	switch e.Status {
	case 0, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500
}

// isRefused reports whether err is an answer that waiting does not change, once the domain has answered others.
func isRefused(err error) bool {
	var e *CallError
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.block == nil &&
		e.Status != http.StatusConflict && e.Status != http.StatusTooManyRequests
}

// hasStatus reports whether err is an answer with that status.
func hasStatus(err error, status int) bool {
	var e *CallError
	return errors.As(err, &e) && e.Status == status
}

// joinPath joins path segments, escaping everything but unreserved characters: AWS signs the path as it is on the wire,
// escaped once more, and the verifier of the signature may see a raw '*' or ',' differently.
func joinPath(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		for _, c := range []byte(s) {
			if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
				strings.IndexByte("-._~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
	}
	return b.String()
}

// callServer sends body (nil for none) as JSON and decodes a 2xx answer into out (nil for none). target is an escaped
// path with an optional query. Everything else is a *CallError.
func (c *Client) callServer(ctx context.Context, method, target string, body, out any) error {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding body of %s %s: %w", method, target, err)
		}
	}
	log := c.Log
	if log == nil {
		log = slog.Default()
	}
	start := time.Now()
	status, answer, err := c.sendRequest(ctx, method, target, payload)
	attributes := []any{"method", method, "path", target, "status", status, "milliseconds",
		time.Since(start).Milliseconds()}
	if err != nil {
		log.Info("call", append(attributes, "error", escapeText(err.Error()))...)
		return &CallError{Method: method, Path: target, Err: err}
	}
	log.Info("call", attributes...)
	if status < 200 || status > 299 {
		return &CallError{Method: method, Path: target, Status: status, Answer: quoteAnswer(answer),
			block: parseBlock(answer)}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("decoding response of %s %s: %w", method, target, err)
	}
	return nil
}

// quoteAnswer returns the beginning of a server's answer for an error or a log.
func quoteAnswer[T string | []byte](answer T) string {
	return escapeText(strings.TrimSpace(string(answer[:min(len(answer), maxQuoted)])))
}

// escapeText escapes characters that do not print: errors and logs are read in terminals and browsers, and a server's
// response may hold anything.
func escapeText(text string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(text, "�") {
		if unicode.IsPrint(r) {
			out.WriteRune(r)
		} else {
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}

func (c *Client) sendRequest(ctx context.Context, method, target string, payload []byte) (status int, answer []byte,
	err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.Base.String()+target, bytes.NewReader(payload))
	if err != nil {
		return 0, nil, fmt.Errorf("making request: %w", err)
	}
	if len(payload) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Sign != nil {
		if err := c.Sign(ctx, r, payload); err != nil {
			return 0, nil, err
		}
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) { // it repeats the method and the whole URL
			err = wrapped.Err
		}
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, fmt.Errorf("reading response: %w", err)
	}
	if len(answer) > maxAnswer {
		return 0, nil, fmt.Errorf("reading response: more than %d bytes", maxAnswer)
	}
	return response.StatusCode, answer, nil
}
