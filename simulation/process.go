package simulation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"firehose-pipeline/simulation/judge"
)

// process is a program that can die: its memory is gone, its files stay.
type process struct {
	w          *world
	name       string
	soft, hard context.Context // end with the first Ctrl-C, and with the second
	stopSoft   context.CancelFunc
	stopHard   context.CancelFunc
	dead       bool
	gone       chan struct{} // closed by its death
	running    bool
	disturbed  bool   // a fault befell the calls that keep its messages in flight
	state      string // path of the state file; empty without
	retryer    aws.Retryer
	retries    int
	run        *judge.Run // nil of a function
	after      func()     // called when it is no longer there
}

var errDead = errors.New("the process is dead")

// newProcess returns a process, or a service that makes calls.
func (w *world) newProcess(name string) *process {
	p := &process{w: w, name: name, gone: make(chan struct{})}
	p.hard, p.stopHard = context.WithCancel(context.Background())
	p.soft, p.stopSoft = context.WithCancel(p.hard)
	// The operator's clients are in the standard mode, with the SDK's 3 attempts (cmd/pipeline).
	p.retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = nil })
	return p
}

// start runs a program; after is called once it is no longer there.
func (p *process) start(program func()) {
	p.running = true
	p.w.mu.Lock()
	p.w.begun = append(p.w.begun, p)
	p.w.mu.Unlock()
	p.w.addActive(1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				p.w.facts.Fail("panic", "%s: %v", p.name, r)
			}
			p.running = false
			p.stopHard()
			p.w.mu.Lock()
			p.w.ended = append(p.w.ended, p)
			p.w.mu.Unlock()
			p.w.addActive(-1)
		}()
		program()
	}()
}

// die ends a process at once. Calls on their way may still take effect. Its files have the content given, nil as they
// are.
func (p *process) die(content []byte) {
	if content == nil && p.state != "" {
		content, _ = os.ReadFile(p.state) // not there yet
	}
	p.dead = true
	close(p.gone)
	p.w.history.write(time.Since(p.w.start), p.name+" dies")
	p.stopHard()
	synctest.Wait()
	if p.running {
		p.w.facts.Fail("harness", "%s is still running after its death", p.name)
	}
	if p.run != nil {
		p.run.Died = true
		p.run.Ended = time.Now()
	}
	// What it wrote while it was dying was never written.
	if content != nil {
		if err := os.WriteFile(p.state, content, 0o600); err != nil {
			panic(err)
		}
	}
}

// dieWriting gives a process its response, and lets it die while it writes its state.
func (p *process) dieWriting(c *call) {
	before, was := readState(p.state)
	close(c.done)
	synctest.Wait()
	if !p.running {
		return
	}
	after, now := readState(p.state)
	same := was != nil && now != nil && os.SameFile(was, now)
	switch {
	case bytes.Equal(before, after):
		p.die(nil)
	case same && bytes.HasPrefix(after, before): // appended: any part of it is there
		p.die(after[:len(before)+c.chance.number(len(after)-len(before))])
	case same: // overwritten
		p.die(after[:c.chance.number(len(after))])
	case c.chance.hits(5000): // replaced: before or after it
		p.die(before)
	default:
		p.die(after)
	}
}

// readState returns the content of a state file and what identifies it: a file that replaced it is another one.
func readState(path string) ([]byte, os.FileInfo) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil
	}
	return content, info
}

// retrying makes calls as the SDK's client does: it retries what its retryer says. The real retryer decides; only the
// pauses are the seed's.
func (p *process) retrying(ctx context.Context, retryer aws.Retryer, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if err == nil || p.dead || n >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return err
		}
		p.retries++
		pause := newChance(p.w.plan.Seed, p.name, "retry", fmt.Sprint(p.retries)).between(0, time.Second<<min(n, 4))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-p.gone:
			timer.Stop()
			return errDead
		case <-ctx.Done():
			timer.Stop()
			return canceled(ctx)
		}
	}
}
