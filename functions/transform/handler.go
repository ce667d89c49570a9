package transform

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// MaxAnswerBytes is the most that an answer may have. Lambda's limit for the response of a synchronous invocation is 6
// MB (6,291,456 bytes); a longer one fails the whole batch. 16 KiB are left for what anybody may count besides the
// body.
const MaxAnswerBytes = 6<<20 - 16<<10

// Handler answers Firehose. It is a lambda.Handler and safe for concurrent use: Lambda may run several invocations in
// one process (AWS_LAMBDA_MAX_CONCURRENCY).
type Handler struct {
	metrics *metricWriter
	log     *slog.Logger
	now     func() time.Time
	limit   int
	batches sync.Pool // of *batch
	reuse   bool
	spare   atomic.Pointer[[]byte] // the last answer's memory, when reuse
}

// New returns the handler. Metric lines go to metrics, one write each; log messages, none of which has event content,
// to logs. The error says that the schema hashes a field and the settings have no key.
func New(settings Settings, metrics, logs io.Writer) (*Handler, error) {
	h := &Handler{
		metrics: newMetricWriter(metrics, settings.Stack, settings.Stream),
		log:     slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: settings.LogLevel})),
		now:     time.Now,
		limit:   MaxAnswerBytes,
		reuse:   settings.ReuseAnswer,
	}
	options := event.Options{DropEventTypes: settings.DropEventTypes, HashKey: settings.HashKey}
	first, err := event.NewProcessor(settings.Layout, settings.Stream, options)
	if err != nil {
		return nil, fmt.Errorf("preparing the transform: %w", err)
	}
	elsewhere := contract.ReplayKey(string(settings.Stream.Other()))
	h.batches.New = func() any {
		processor, err := event.NewProcessor(settings.Layout, settings.Stream, options)
		if err != nil {
			panic(err) // the first one worked
		}
		return &batch{processor: processor, elsewhere: elsewhere}
	}
	h.batches.Put(&batch{processor: first, elsewhere: elsewhere})
	return h, nil
}

// Invoke answers one request of Firehose. A record that cannot be transformed is answered ProcessingFailed, without
// data: Firehose stores the record as it was received. An error, which fails the whole batch, means that the request
// itself cannot be read, or that not even the shortest answer to it has room in a response.
//
// Without [Settings.ReuseAnswer] the caller owns the answer; with it, until it calls Invoke again.
func (h *Handler) Invoke(ctx context.Context, request []byte) ([]byte, error) {
	start := h.now()
	b := h.batches.Get().(*batch)
	defer h.batches.Put(b)
	if h.reuse {
		if spare := h.spare.Swap(nil); spare != nil {
			b.answer = (*spare)[:0]
		}
	}
	answer, counts, err := b.answerBatch(request, h.limit, start)
	if err != nil {
		return nil, err
	}
	if h.reuse {
		h.spare.Store(&answer)
	}
	end := h.now()
	counts.duration = end.Sub(start)
	if err := h.metrics.writeMetrics(end, counts); err != nil {
		h.log.Error("writing metrics", "error", err.Error())
	}
	if n := counts.rejected.countOf(event.TooLarge); n > 0 {
		h.log.Warn("answer full", "records", counts.records, "tooLarge", n, "inputBytes", counts.inputBytes,
			"outputBytes", counts.outputBytes)
	}
	if counts.failed > 0 && h.log.Enabled(ctx, slog.LevelDebug) {
		h.log.Debug("records refused", "reasons", counts.rejected)
	}
	return answer, nil
}
