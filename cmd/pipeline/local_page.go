package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"firehose-pipeline/contract"
	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/local"
	"firehose-pipeline/local/loopback"
	"firehose-pipeline/local/page"
	"firehose-pipeline/local/template"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
)

// pageAddress is where the page is by default.
const pageAddress = "127.0.0.1:4574"

// listenForPage opens the page's listener; nil when there is none to be. A default address that is taken is replaced by
// a free port.
func (l *localCommand) listenForPage() (net.Listener, error) {
	if !l.page {
		return nil, nil
	}
	listener, err := loopback.Listen(l.pageListen)
	if err != nil && !l.pageListenGiven {
		listener, err = loopback.Listen("127.0.0.1:0")
	}
	if err != nil {
		return nil, usage("--page-listen: %v", err)
	}
	return listener, nil
}

// shownRun is the page of a run: served while the run is at work, and written as a file at its end.
type shownRun struct {
	*page.Page
	url   string // empty when it is not served
	state string // file of the replays
	stop  context.CancelFunc
	done  chan error
}

// showRun begins to show the run. Without a listener the page is not served; the APIs' is nil in a run from a file.
func (l *localCommand) showRun(ctx context.Context, p *local.Pipeline, listener, apis net.Listener) (*shownRun, error) {
	r := page.Run{Pipeline: p, Started: time.Now(), Served: l.serve, Speed: l.speed.value}
	shown := &shownRun{done: make(chan error, 1)}
	if apis != nil {
		api := "http://" + apis.Addr().String()
		file, err := os.CreateTemp("", "pipeline-replay-*.state")
		if err != nil {
			return nil, fmt.Errorf("preparing replays: %w", err)
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("preparing replays: %w", err)
		}
		shown.state = file.Name()
		r.Replay = func(ctx context.Context, request page.ReplayRequest) (page.ReplayResult, error) {
			return l.replayServed(ctx, p, api, shown.state, request)
		}
	}
	shown.Page = page.New(ctx, r)
	if listener == nil {
		shown.done <- nil
		shown.stop = func() {}
		return shown, nil
	}
	shown.url = "http://" + listener.Addr().String() + "/"
	serving, stop := context.WithCancel(context.WithoutCancel(ctx)) // it shows the end of the run, too
	shown.stop = stop
	go func() { shown.done <- shown.Serve(serving, listener) }()
	return shown, nil
}

// endRun delivers everything that has been put, and writes the page as a file.
func (s *shownRun) endRun(ctx context.Context, p *local.Pipeline) error {
	s.SetPhase(page.Delivering)
	if err := p.Flush(ctx); err != nil {
		return err
	}
	s.SetPhase(page.Ended)
	_, err := s.WriteReport(ctx)
	return err
}

// holdPage keeps the page until Ctrl-C when it is to be kept; otherwise until a browser that shows it knows that the
// run has ended.
func (l *localCommand) holdPage(soft context.Context, s *shownRun) {
	switch {
	case s.url == "":
	case l.keepPage && soft.Err() == nil:
		l.screen.printLine("The page stays at %s until Ctrl-C", s.url)
		<-soft.Done()
	default:
		s.AwaitReader(1500 * time.Millisecond)
	}
}

// close ends the page.
func (s *shownRun) close() error {
	s.stop()
	err := <-s.done
	if s.state != "" {
		err = errors.Join(err, os.Remove(s.state))
	}
	return err
}

// replayServed replays dead letters of a served run: with the package, and through the APIs, of `pipeline replay`.
func (l *localCommand) replayServed(ctx context.Context, p *local.Pipeline, api, state string,
	request page.ReplayRequest) (page.ReplayResult, error) {
	config := aws.Config{BaseEndpoint: &api, Region: template.Region, RetryMode: aws.RetryModeStandard,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	layout, err := event.Compile(p.EventSchema())
	if err != nil {
		return page.ReplayResult{}, err
	}
	r := &replay.Replay{Streams: map[event.Stream]*producer.Stream{}, Queue: awsclient.NewSQS(config),
		QueueURL: strings.Replace(p.DeadLetterQueueURL(), p.SQSURL(), api, 1), Objects: awsclient.NewS3(config),
		Bucket: p.BucketName(), ErrorPrefix: contract.ErrorPrefix, Act: true, EventID: p.EventIDPath(),
		ReplayRejected: request.Rejected, Again: request.Again, Wait: 1, Visibility: visibility,
		Logf: l.screen.printLine}
	if request.Stream != "" {
		r.Filter.Streams = []event.Stream{event.Stream(request.Stream)}
	}
	if request.Stage != "" {
		r.Filter.Stages = []errorobject.Stage{errorobject.Stage(request.Stage)}
	}
	if request.Reason != "" {
		r.Filter.Reasons = []deadletter.Reason{deadletter.Reason(request.Reason)}
	}
	for _, s := range p.Streams() {
		r.Streams[s.Kind] = &producer.Stream{Name: s.Name, Client: firehoseClient(config),
			Pace: producer.NewPace(0, 1<<20)}
	}
	if r.Journal, err = replay.OpenJournal(state, layout); err != nil {
		return page.ReplayResult{}, err
	}
	report, err := r.FromQueue(ctx, ctx)
	return resultOf(&report), errors.Join(err, r.Journal.Close())
}

// boxes are the names of flags on the page.
var boxes = strings.NewReplacer("--again replays", "The box for records that failed again replays",
	"--refused replays", "The box for rejected records replays", "run the command again", "replay again")

// resultOf words the outcomes of a replay as the report of the command does.
func resultOf(report *replay.Report) page.ReplayResult {
	result := page.ReplayResult{Outcomes: []page.ReplayOutcome{}}
	for _, o := range outcomeTexts {
		if n := report.Letters[o.outcome]; n > 0 {
			text := plural.Of(n, o.text)
			if o.advice != "" {
				text += ": " + boxes.Replace(plural.Of(n, o.advice))
			}
			result.Outcomes = append(result.Outcomes, page.ReplayOutcome{Count: n, Text: text})
		}
	}
	for _, put := range report.Put {
		result.Put += put.Records
	}
	return result
}

// fileURL is the address of a file, for a browser.
func fileURL(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}
