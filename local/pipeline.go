package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/functions/searchsetup"
	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/local/audit"
	"firehose-pipeline/local/fault"
	"firehose-pipeline/local/firehose"
	"firehose-pipeline/local/lambda"
	"firehose-pipeline/local/opensearch"
	"firehose-pipeline/local/results"
	"firehose-pipeline/local/s3"
	"firehose-pipeline/local/secretsmanager"
	"firehose-pipeline/local/sqs"
	"firehose-pipeline/local/template"
	"firehose-pipeline/schema"
)

// Pipeline is a running pipeline. Its methods may be called concurrently.
type Pipeline struct {
	events  audit.Events           // of the transforms
	secrets *secretsmanager.Server // nil when no field is hashed

	o       Options
	config  *template.Config
	started time.Time // by the machine's clock
	cancel  context.CancelFunc

	folder    *results.Folder
	functions []*lambda.Function
	logs      []*os.File    // of the functions
	faults    *fault.Faults // nil without any
	objects   *s3.Server
	queue     *sqs.Server
	deleted   *results.DeletedMessages
	notifier  *notifier
	search    firehose.Search
	files     *opensearch.Files  // nil when documents go to a server
	server    *opensearch.Server // nil when documents go to files
	streams   []*stream
	data      *dataStream // nil when records are put to the streams themselves
	ticking   sync.WaitGroup
	areas     areaCounts
	prefixes  map[Area][]string
	letters   *letterCounts
	watch     watch

	mu      sync.Mutex
	elapsed time.Duration // until the last Flush
	closed  bool
	err     error
}

// stream is one delivery stream with its clock and what Check needs of it.
type stream struct {
	*firehose.Stream
	info StreamInfo

	mu           sync.Mutex          // keeps the records of one Put together
	number       int64               // records offered
	pending      bool                // records put since the last Flush
	expectations *audit.Expectations // nil without Options.Check
	onTaken      func(event.Stream, []byte)
	watch        *watch

	lossMu sync.Mutex
	losses []firehose.Discarded // nil without Options.Check
}

// StreamInfo describes one stream, for DescribeDeliveryStream.
type StreamInfo struct {
	Name, ARN string
	Kind      event.Stream
	Status    string // ACTIVE
	Created   time.Time
	Config    template.Stream
}

// PutResult is the answer for one record: a RecordID, or an ErrorCode and ErrorMessage.
type PutResult struct {
	RecordID     string
	ErrorCode    string
	ErrorMessage string
}

// Open starts the pipeline: the endpoints, the streams and their functions. It ends with Close, or when ctx is done:
// then records that have not been flushed do not arrive.
func Open(ctx context.Context, o Options) (*Pipeline, error) {
	if err := o.setDefaults(); err != nil {
		return nil, fmt.Errorf("opening pipeline: %w", err)
	}
	config, err := template.Parse(o.Template, o.StackName)
	if err != nil {
		return nil, fmt.Errorf("opening pipeline: %w", err)
	}
	p := &Pipeline{o: o, config: config, started: time.Now(), areas: newAreaCounts(), letters: newLetterCounts()}
	p.prefixes = p.findPrefixes()
	ctx, p.cancel = context.WithCancel(ctx)
	if err := p.openParts(ctx); err != nil {
		return nil, fmt.Errorf("opening pipeline: %w", errors.Join(err, p.Close()))
	}
	return p, nil
}

func (p *Pipeline) openParts(ctx context.Context) (err error) {
	if p.folder, err = results.Open(p.o.Out); err != nil {
		return err
	}
	if err := p.planFaults(); err != nil {
		return err
	}
	atQueue := fault.NewQueue(p.faults)
	p.deleted = p.folder.DeletedMessages()
	o := sqs.Options{Listen: p.o.SQSListen, Region: template.Region, AccountID: template.AccountID,
		Sent: p.letters.addSent,
		Deleted: func(m sqs.Message) {
			p.deleted.Add(m)
			p.letters.addDeleted(m)
		},
		Queues: []sqs.Queue{{Name: p.config.Queue.Name, VisibilityTimeout: p.config.Queue.VisibilityTimeout}}}
	if p.faults.On(fault.SQSPartial, fault.SQSThrottled, fault.HandlerKilled) {
		o.Fault, o.Refuse = atQueue.RefuseEntry, atQueue.RefuseBatch
	}
	if p.queue, err = sqs.Serve(ctx, o); err != nil {
		return err
	}
	p.notifier = newNotifier(p.config, p.queue, atQueue)
	p.objects, err = s3.Serve(ctx, s3.Options{Dir: p.folder.Path(results.ObjectsDir), Listen: p.o.S3Listen,
		Buckets: []s3.Bucket{{Name: p.config.Bucket.Name, Versioned: p.config.Bucket.Versioned}},
		Created: func(o s3.ObjectCreated) {
			p.countObject(o.Key, o.Size)
			p.notifier.addObject(o)
		}})
	if err != nil {
		return err
	}
	handler, err := p.startFunction(ctx, p.config.ErrorHandler, "errorhandler", 1)
	if err != nil {
		return err
	}
	atQueue.Kill = handler.Kill
	p.notifier.startHandling(ctx, handler)
	if err := p.openSearch(ctx); err != nil {
		return err
	}
	if err := p.readEvents(ctx); err != nil {
		return err
	}
	for _, config := range p.config.Streams {
		s, err := p.openStream(ctx, config)
		if err != nil {
			return err
		}
		p.streams = append(p.streams, s)
	}
	p.openDataStream()
	if p.o.Serve {
		p.ticking.Go(func() { p.runTicks(ctx) })
	}
	return nil
}

// localHashKey is the key of hashed fields in local runs, always the same, so that two runs have the same hashes. On
// AWS Secrets Manager generates it.
const localHashKey = "the key of local runs, which is no secret: it hides nothing"

// readEvents compiles the event schema, and serves the key of hashed fields when there are any.
func (p *Pipeline) readEvents(ctx context.Context) error {
	if len(p.o.EventSchema) == 0 {
		return errors.New("event schema: must be set")
	}
	declared, err := schema.Parse(p.o.EventSchema)
	if err != nil {
		return err
	}
	if p.events.Layout, err = event.Compile(declared); err != nil {
		return err
	}
	if declared.EventID != nil {
		p.watch.path = eventid.ParsePath(declared.EventID.Pointer)
	}
	if p.events.Layout.NeedsKey() {
		p.events.HashKey = []byte(localHashKey)
		p.secrets, err = secretsmanager.Serve(ctx, localHashKey)
	}
	return err
}

// openSearch makes what search streams deliver to.
func (p *Pipeline) openSearch(ctx context.Context) error {
	if err := p.openSearchEngine(ctx); err != nil {
		return err
	}
	p.addSearchFaults()
	return nil
}

func (p *Pipeline) openSearchEngine(ctx context.Context) (err error) {
	if p.o.OpenSearch == nil {
		mapping, err := p.indexMapping()
		if err != nil {
			return fmt.Errorf("reading template: %w", err)
		}
		p.files = opensearch.NewFiles(p.folder.Path(results.IndicesDir), mapping)
		if p.faults.On(fault.SearchLost) { // no other fault makes a stream resend accepted documents
			p.files.Overwrite()
		}
		p.search = p.files
		return nil
	}
	if p.config.SearchState == "" {
		return errors.New("opensearch: the stack has no search domain (enableOpenSearch is false)")
	}
	state, err := searchsetup.ParseState(p.config.SearchState)
	if err != nil {
		return fmt.Errorf("reading template: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, searchPatience)
	defer cancel()
	if p.server, err = opensearch.Open(ctx, *p.o.OpenSearch, state); err != nil {
		return err
	}
	p.search = p.server
	return nil
}

// indexMapping is the mapping that the search setup gives the indices. Without a search setup there is none.
func (p *Pipeline) indexMapping() (*opensearch.Mapping, error) {
	state := searchsetup.State{}
	if p.config.SearchState != "" {
		var err error
		if state, err = searchsetup.ParseState(p.config.SearchState); err != nil {
			return nil, err
		}
	}
	return opensearch.NewMapping(state.Mappings(), p.config.SearchVersion)
}

// searchPatience is how long a server may reject its setup; the setup ends 20 s earlier.
const searchPatience = 80 * time.Second

// passTime lets time of the model pass while search is not to be had. A real server needs as much of the machine's
// time; files need none, unless the clock is the machine's.
func (p *Pipeline) passTime(ctx context.Context, d time.Duration) error {
	switch {
	case p.o.Speed > 0:
		d = time.Duration(float64(d) / p.o.Speed)
	case p.server == nil:
		return ctx.Err()
	}
	return clock.Pause(ctx, d)
}

// exportDocuments reads this run's documents from the server, so that the folder of results holds it as in a run with
// files.
func (p *Pipeline) exportDocuments(ctx context.Context) error {
	if p.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchPatience)
	defer cancel()
	for _, s := range p.streams {
		if s.info.Config.Search == nil {
			continue
		}
		confirmed := s.Counts().Indices
		for index := range p.server.Documents() {
			err := p.server.Export(ctx, index, s.IDPrefix(), p.folder.Path(results.IndicesDir))
			if errors.Is(err, opensearch.ErrNotFound) && confirmed[index] == 0 {
				continue // no request created it
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// countDocuments returns the number of documents by index. Those whose response was lost are among them.
func (p *Pipeline) countDocuments() map[string]int64 {
	documents := map[string]int64{}
	if p.server != nil {
		documents = p.server.Documents()
	} else if p.files != nil {
		documents = p.files.Documents()
	}
	maps.DeleteFunc(documents, func(_ string, n int64) bool { return n == 0 })
	return documents
}

func (p *Pipeline) openStream(ctx context.Context, config template.Stream) (_ *stream, err error) {
	s := &stream{info: StreamInfo{Name: config.Name, ARN: config.ARN, Kind: config.Kind, Status: "ACTIVE",
		Created: p.o.Start, Config: config}}
	s.onTaken, s.watch = p.o.Taken, &p.watch
	o := firehose.Options{Stream: config, Seed: p.o.Start.Format(time.RFC3339Nano), Search: p.search, Pause: p.passTime}
	o.Store = func(bucket, key string, headers map[string]string, body io.Reader) error {
		_, err := p.objects.Put(bucket, key, headers, body)
		return err
	}
	if processor := config.Transform; processor != nil {
		o.Invocations = p.o.Invocations
		if reserved := processor.Function.ReservedConcurrency; reserved > 0 {
			o.Invocations = min(o.Invocations, reserved)
		}
		f, err := p.startFunction(ctx, processor.Function, "transform", o.Invocations)
		if err != nil {
			return nil, err
		}
		o.Invoke = p.invokeWithFaults(config.Kind, f, processor.Retries)
		o.Recycle = f.Recycle
	}
	if p.faults.On(fault.S3Down) {
		o.Refuse = func(at time.Time) error { return p.faults.RefuseObject(p.o.Start, at) }
		if p.o.Check {
			o.Discarded = s.addLoss
		}
	}
	if p.o.Check {
		if s.expectations, err = audit.NewExpectations(p.folder, config, p.events); err != nil {
			return nil, err
		}
	}
	s.Stream, err = firehose.New(ctx, o)
	return s, err
}

// startFunction starts a function of the template: its environment is the template's, with AWS's endpoints where they
// are here.
func (p *Pipeline) startFunction(ctx context.Context, f template.Function, role string,
	concurrency int) (*lambda.Function, error) {
	binary := p.o.Functions[role]
	if binary == "" {
		return nil, fmt.Errorf("functions: no binary of %s", role)
	}
	environment := maps.Clone(f.Environment)
	if environment == nil {
		environment = map[string]string{}
	}
	for name, value := range environment {
		if queue, ok := strings.CutPrefix(value, template.QueueURLBase); ok {
			environment[name] = p.queue.QueueURL(queue)
		}
	}
	environment["AWS_ENDPOINT_URL_S3"] = p.objects.URL
	environment["AWS_ENDPOINT_URL_SQS"] = p.queue.URL
	if p.secrets != nil {
		environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = p.secrets.URL
	}
	log, err := p.folder.OpenLog(f.LogGroup)
	if err != nil {
		return nil, err
	}
	p.logs = append(p.logs, log)
	started, err := lambda.Start(ctx, lambda.Config{
		Name: f.Name, Binary: binary, Handler: f.Handler, MemoryMB: f.MemoryMB, Timeout: f.Timeout,
		Concurrency: concurrency,
		Region:      template.Region, AccountID: template.AccountID, LogGroup: f.LogGroup, Environment: environment,
		Log: teeLogs(log, p.o.Log),
	})
	if err == nil {
		p.functions = append(p.functions, started)
	}
	return started, err
}

// teeLogs writes to a function's own log and to the log of the run, if there is one.
func teeLogs(own, shown io.Writer) io.Writer {
	if shown == nil {
		return own
	}
	return io.MultiWriter(own, shown)
}

// Streams returns the streams, the lake stream first.
func (p *Pipeline) Streams() []StreamInfo {
	infos := make([]StreamInfo, len(p.streams))
	for i, s := range p.streams {
		infos[i] = s.info
	}
	return infos
}

// UnknownStreamError is a name that no stream has.
type UnknownStreamError struct{ Name string }

// NotPermittedError is a put to a stream that reads a data stream.
type NotPermittedError struct{ Name string }

func (e *NotPermittedError) Error() string {
	return fmt.Sprintf("stream %q reads a data stream: records are put to that one", e.Name)
}

func (e *UnknownStreamError) Error() string { return fmt.Sprintf("no stream %q", e.Name) }

// Put puts records to the stream of this name. A record above 1,000 KiB is rejected alone, with the API's error code.
// Put waits while the stream is busy, and in a run with a Speed until the record's time has come; the records' memory
// stays the caller's. The error is an [*UnknownStreamError], the context's, or one that has ended the run.
func (p *Pipeline) Put(ctx context.Context, name string, records [][]byte) ([]PutResult, error) {
	s := p.findStream(name)
	if s == nil {
		return nil, fmt.Errorf("putting records: %w", &UnknownStreamError{name})
	}
	if p.data != nil {
		return nil, fmt.Errorf("putting records: %w", &NotPermittedError{name})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]PutResult, len(records))
	ids := make([]byte, 0, len(records)*firehose.RecordIDBytes)
	for begin := 0; begin < len(records); {
		if len(records[begin]) > firehose.MaxRecordBytes {
			results[begin] = PutResult{ErrorCode: "ValidationException", ErrorMessage: fmt.Sprintf(
				"1 validation error detected: Value at 'record.data' failed to satisfy constraint: Member must have "+
					"length less than or equal to %d", firehose.MaxRecordBytes)}
			s.number++
			begin++
			continue
		}
		end := begin + 1
		for end < len(records) && len(records[end]) <= firehose.MaxRecordBytes {
			end++
		}
		if err := p.waitForArrival(ctx, s.number); err != nil {
			return nil, fmt.Errorf("putting records: %w", err)
		}
		first, err := s.Put(records[begin:end], p.arrivalsFrom(s.number))
		if err == nil {
			s.watch.note(s.info.Kind, first.Number(), records[begin:end])
			err = s.noteAccepted(records[begin:end])
		}
		if err != nil {
			return nil, fmt.Errorf("putting records: %w", err)
		}
		for i := begin; i < end; i++ {
			ids = first.Add(i - begin).AppendTo(ids)
		}
		all := string(ids[len(ids)-(end-begin)*firehose.RecordIDBytes:])
		for i := begin; i < end; i++ {
			results[i].RecordID, all = all[:firehose.RecordIDBytes], all[firehose.RecordIDBytes:]
		}
		begin = end
	}
	return results, nil
}

// noteAccepted counts records that the stream has taken, and notes them for Check.
func (s *stream) noteAccepted(records [][]byte) error {
	s.pending = true
	for _, record := range records {
		s.number++
		if s.onTaken != nil {
			s.onTaken(s.info.Kind, record)
		}
		if s.expectations != nil {
			if err := s.expectations.Add(audit.Put{Number: s.number, Origin: s.number}, record); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pipeline) findStream(name string) *stream {
	for _, s := range p.streams {
		if s.info.Name == name {
			return s
		}
	}
	return nil
}

// Flush delivers everything: all buffers, then all notifications, then the queue's file is written. Records may be put
// again afterwards.
func (p *Pipeline) Flush(ctx context.Context) error {
	if err := p.flushAll(ctx); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return nil
}

func (p *Pipeline) flushAll(ctx context.Context) error {
	if p.data != nil {
		if err := p.data.flush(p.nowOf(nil)); err != nil {
			return err
		}
	}
	errs := make([]error, len(p.streams))
	var flushing sync.WaitGroup
	for i, s := range p.streams {
		flushing.Go(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if errs[i] = s.Flush(p.nowOf(s)); errs[i] == nil {
				s.pending = false
			}
		})
	}
	flushing.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := p.notifier.waitUntilHandled(ctx); err != nil {
		return err
	}
	if err := p.exportDocuments(ctx); err != nil {
		return err
	}
	messages, err := p.queue.Messages(p.config.Queue.Name)
	if err != nil {
		return err
	}
	if err := errors.Join(p.folder.WriteQueue(messages), p.deleted.Flush()); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.elapsed = time.Since(p.started)
	return nil
}

// S3 serves the API of S3, with path-style addressing.
func (p *Pipeline) S3() http.Handler { return p.objects }

// SQS serves the API of SQS.
func (p *Pipeline) SQS() http.Handler { return p.queue }

// SQSURL is the endpoint of SQS.
func (p *Pipeline) SQSURL() string { return p.queue.URL }

// DeadLetterQueueURL is the queue's URL.
func (p *Pipeline) DeadLetterQueueURL() string { return p.queue.QueueURL(p.config.Queue.Name) }

// BucketName is the bucket's name.
func (p *Pipeline) BucketName() string { return p.config.Bucket.Name }

// Close ends the run and every process of it. When everything put has been flushed, the results are marked complete;
// otherwise records that have not been flushed are discarded.
func (p *Pipeline) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return p.err
	}
	p.closed = true
	p.cancel()
	p.ticking.Wait()
	complete := p.elapsed > 0
	for _, s := range p.streams {
		s.Close()
		complete = complete && !s.pending
	}
	if p.data != nil {
		complete = complete && !p.data.pending
	}
	if p.notifier != nil {
		p.notifier.stopHandling()
	}
	for _, f := range p.functions {
		f.Close()
	}
	var errs []error
	for _, log := range p.logs {
		errs = append(errs, log.Close())
	}
	if p.secrets != nil {
		errs = append(errs, p.secrets.Close())
	}
	if p.objects != nil {
		errs = append(errs, p.objects.Close())
	}
	if p.queue != nil {
		errs = append(errs, p.queue.Close(), p.deleted.Close())
	}
	for _, s := range p.streams {
		if s.expectations != nil {
			errs = append(errs, s.expectations.Close())
		}
	}
	if p.folder != nil {
		errs = append(errs, p.folder.Close(complete))
	}
	p.err = errors.Join(errs...)
	return p.err
}
