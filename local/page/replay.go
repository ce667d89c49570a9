package page

import (
	"context"
	"errors"
	"sync"
)

// ReplayRequest selects the dead letters to replay. Empty fields select all.
type ReplayRequest struct {
	Stream string `json:"stream"`
	Stage  string `json:"stage"`
	Reason string `json:"reason"`
	// Rejected replays records, too, that the transform's check still rejects.
	Rejected bool `json:"rejected"`
	// Again replays records, too, that were replayed before and failed again.
	Again bool `json:"again"`
}

// ReplayResult has the dead letters by their outcome.
type ReplayResult struct {
	Outcomes []ReplayOutcome `json:"outcomes"`
	// Put counts the records that the streams accepted.
	Put int64 `json:"put"`
}

// ReplayOutcome counts the dead letters with one outcome.
type ReplayOutcome struct {
	Count int64  `json:"count"`
	Text  string `json:"text"` // the meaning of the outcome
}

// ReplayState is the replay that is at work, or the last one.
type ReplayState struct {
	Number  int64         `json:"number"` // of the replay in this run, from 1
	Running bool          `json:"running"`
	Request ReplayRequest `json:"request"`
	Result  *ReplayResult `json:"result,omitempty"`
	Error   string        `json:"error,omitempty"`
}

// errReplaying rejects a second replay while one is at work.
var errReplaying = errors.New("a replay is at work")

// replayer runs one replay at a time.
type replayer struct {
	ctx context.Context
	run func(context.Context, ReplayRequest) (ReplayResult, error)

	mu      sync.Mutex
	latest  *ReplayState
	stopped bool
	working sync.WaitGroup
}

// start begins a replay.
func (r *replayer) start(request ReplayRequest) (ReplayState, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	number := int64(1)
	if r.latest != nil {
		if r.latest.Running {
			return *r.latest, errReplaying
		}
		number = r.latest.Number + 1
	}
	if r.stopped {
		return ReplayState{}, errReplaying
	}
	shownRequest := ReplayRequest{show(request.Stream, 40), show(request.Stage, 40), show(request.Reason, 80),
		request.Rejected, request.Again}
	r.latest = &ReplayState{Number: number, Running: true, Request: shownRequest}
	r.working.Go(func() { r.work(request) })
	return *r.latest, nil
}

func (r *replayer) work(request ReplayRequest) {
	result, err := r.run(r.ctx, request)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.latest.Running, r.latest.Result = false, &result
	if err != nil {
		r.latest.Error = show(err.Error(), maxRecord)
	}
}

// state returns a copy of the latest replay, nil before the first.
func (r *replayer) state() *ReplayState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		return nil
	}
	latest := *r.latest
	return &latest
}

// stop accepts no further replay and waits for the one at work.
func (r *replayer) stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.working.Wait()
}
