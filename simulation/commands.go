package simulation

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
	"firehose-pipeline/internal/filelock"
	"firehose-pipeline/producer"
	"firehose-pipeline/replay"
	"firehose-pipeline/simulation/judge"
)

// The settings of cmd/pipeline's replay.
const (
	visibility = 2 * time.Minute
	watchTime  = 7 * time.Minute
	receiveFor = 2 // seconds
)

// newRun returns a process that runs a command.
func (w *world) newRun(name, state string, isReplay bool) *process {
	p := w.newProcess(name)
	p.run = &judge.Run{Name: name, Began: time.Now(), Replay: isReplay, State: state, Records: map[string]int64{}}
	p.state = state
	for _, m := range w.queue.messages {
		if !m.Deleted && !m.visible.After(time.Now()) {
			p.run.There = append(p.run.There, m.Message)
		}
	}
	w.facts.Runs = append(w.facts.Runs, p.run)
	return p
}

// interrupt presses Ctrl-C after a while.
func (p *process) interrupt(i *Interruption) {
	if i == nil {
		return
	}
	p.w.after(i.After, func() {
		if !p.running || p.dead {
			return
		}
		p.w.history.write(time.Since(p.w.start), fmt.Sprintf("%s is interrupted, twice: %v", p.name, i.Twice))
		p.run.Interrupted = true
		p.stopSoft()
		if i.Twice {
			p.run.CutOff = true
			p.stopHard()
		}
	})
}

// end notes the end of a run that has not died.
func (p *process) end(err error) {
	if p.dead {
		return
	}
	p.run.Ended, p.run.Reported = time.Now(), true
	if err != nil {
		p.run.Err = err.Error()
	}
}

// rejectedFile is where send keeps lines that a stream did not accept.
const rejectedFile = "rejected"

// readRejected hands the lines that send has kept to the judge.
func (w *world) readRejected() {
	w.facts.Rejected = map[string][]string{}
	for _, stream := range []event.Stream{event.Lake, event.Search} {
		if text, err := os.ReadFile(filepath.Join(w.dir, rejectedFile+"."+string(stream))); err == nil {
			w.facts.Rejected[string(stream)] = judge.Tokens(text)
		}
	}
}

// maxSends is how often send is run while faults come about; after them it is run until it ends well.
const maxSends = 4

// send runs send over all lines, and again until a run ends well.
func (w *world) send(n int) {
	state := ""
	if w.plan.SendState {
		state = filepath.Join(w.dir, "send.state")
	}
	p := w.newRun(fmt.Sprintf("send-%d", n), state, false)
	if w.chaotic && n < maxSends {
		c := newChance(w.plan.Seed, p.name, "interrupt")
		if c.hits(1500) {
			p.interrupt(&Interruption{After: c.spread(time.Millisecond, 10*time.Second), Twice: c.hits(4000)})
		}
	}
	p.after = func() {
		if p.run.Died || p.run.Err != "" || p.run.Interrupted {
			w.after(newChance(w.plan.Seed, p.name, "again").spread(time.Second, 5*time.Minute), func() { w.send(n + 1) })
		}
	}
	p.start(func() { p.runSend() })
}

func (p *process) runSend() {
	plan := p.w.plan
	var input bytes.Buffer
	for _, line := range plan.Lines {
		input.Write(line.Text)
		input.WriteByte('\n')
	}
	o := producer.Options{Pack: plan.Pack, Rate: plan.Rate}
	o.Rejects = &producer.Rejects{Path: filepath.Join(p.w.dir, rejectedFile)}
	defer o.Rejects.Close()
	client := atStreams{p, sendPut}
	o.Lake = &producer.Stream{Name: "lake-stream", Client: client, Patience: plan.Patience}
	o.Search = &producer.Stream{Name: "search-stream", Client: client, Patience: plan.Patience}
	if p.state != "" {
		var err error
		o.State, err = producer.OpenState(p.state, map[event.Stream]string{event.Lake: o.Lake.Name,
			event.Search: o.Search.Name})
		if err != nil {
			p.rejectState(err)
			return
		}
		defer p.closeState(o.State)
	}
	report, err := producer.Send(p.soft, p.hard, &input, o)
	for _, s := range report.Streams {
		p.run.Records[string(s.Kind)] = s.Records
	}
	p.run.Sent = judge.SendReport{Lines: report.Lines, ResumedAfter: report.ResumedAfter}
	p.end(err)
}

// rejectState notes why a run could not begin.
func (p *process) rejectState(err error) {
	p.run.StateInUse = errors.Is(err, filelock.ErrInUse)
	if !p.run.StateInUse {
		p.run.StateRejected = err.Error()
	}
	p.end(err)
	p.run.Reported = false
}

func (p *process) closeState(state *producer.State) {
	if err := state.Close(); err != nil {
		p.w.facts.Fail("harness", "%s cannot close its state: %v", p.name, err)
	}
}

// replay runs an operation, and again when it dies.
func (w *world) replay(name string, o Operation) {
	state := ""
	if o.State {
		state = filepath.Join(w.dir, "replay.state")
	}
	p := w.newRun(name, state, true)
	p.interrupt(o.Interrupt)
	p.after = func() {
		if p.run.Died && o.Restarts > 0 {
			o.Restarts--
			w.after(newChance(w.plan.Seed, name, "again").spread(time.Second, 20*time.Minute),
				func() { w.replay(name+"+", o) })
		}
	}
	p.start(func() { p.runReplay(o) })
}

func (p *process) runReplay(o Operation) {
	client := atStreams{p, replayPut}
	r := &replay.Replay{Queue: atQueue{p}, QueueURL: "queue", Objects: atBucket{p, replayGet}, Bucket: bucketName,
		ErrorPrefix: errorPrefix, Act: o.Act, EventID: eventid.Path{"event_id"}, Limit: o.Limit, ReplayRejected: o.Refused,
		Again: o.Again, Watch: watchTime, WatchEnd: o.WatchEnd, Wait: receiveFor, Visibility: visibility,
		Filter: replay.Filter{Streams: o.Streams, Reasons: o.Reasons},
		Streams: map[event.Stream]*producer.Stream{
			event.Lake:   {Name: "lake-stream", Client: client, Pace: producer.NewPace(1000, 1<<20), Patience: p.w.plan.Patience},
			event.Search: {Name: "search-stream", Client: client, Pace: producer.NewPace(1000, 1<<20), Patience: p.w.plan.Patience},
		},
		Logf: func(format string, args ...any) {
			text := fmt.Sprintf(format, args...)
			if strings.Contains(text, "watching the error output for") {
				p.run.Letters.WatchEnded = time.Now().Add(watchTime)
			}
		},
	}
	if o.Act {
		r.Canary = o.Canary
	}
	r.Journal = replay.NewJournal(layout)
	if p.state != "" {
		var err error
		if r.Journal, err = replay.OpenJournal(p.state, layout); err != nil {
			p.rejectState(err)
			return
		}
	}
	var report replay.Report
	var err error
	switch o.From {
	case replay.FromErrors:
		report, err = r.FromErrors(p.soft, p.hard, errorPrefix)
	case replay.FromSource:
		p.run.Letters.Source = true
		report, err = r.FromSource(p.soft, p.hard, "source-data/", event.Search)
	default:
		report, err = r.FromQueue(p.soft, p.hard)
	}
	p.noteReport(o, &report)
	p.checkInFlight()
	p.end(errors.Join(err, r.Journal.Close()))
}

// checkInFlight: a run leaves no message in flight, unless a fault kept it from making them visible.
func (p *process) checkInFlight() {
	if p.dead || p.disturbed || p.run.CutOff || p.run.Letters.Undeleted > 0 {
		return
	}
	for _, m := range p.w.queue.messages {
		if m.holder == p && !m.Deleted && !m.freed && m.visible.After(time.Now()) {
			p.w.facts.Fail("in flight", "%s has ended, and %s is in flight for another %v", p.name, m.ID,
				time.Until(m.visible).Round(time.Second))
		}
	}
}

// noteReport hands the report to the judge.
func (p *process) noteReport(o Operation, report *replay.Report) {
	for stream, put := range report.Put {
		p.run.Records[string(stream)] = put.Counts.Records
	}
	l := &p.run.Letters
	l.Acted, l.Queue, l.All, l.Canary = o.Act, o.From == replay.FromQueue, o.all(), o.Canary
	for outcome, n := range report.Letters {
		l.Total += n
		if outcome.Done() {
			l.Done += n
		}
	}
	l.Undeleted, l.Lost, l.CameBack = report.Undeleted, report.Lost, report.CameBack
	l.More, l.Watched = report.More, report.Watched
}
