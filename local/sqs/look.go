package sqs

import "fmt"

// Depth is how many messages a queue has.
type Depth struct {
	Visible  int64 `json:"visible"`
	InFlight int64 `json:"inFlight"` // received and not deleted yet, or delayed
}

// Depth counts the messages of a queue.
func (s *Server) Depth(name string) (Depth, error) {
	q, err := s.findQueue(name)
	if err != nil {
		return Depth{}, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.surfaceDue(q.clock.Now())
	hidden := int64(len(q.hidden))
	return Depth{Visible: int64(len(q.messages)) - hidden, InFlight: hidden}, nil
}

// chunk is how many messages are looked at while the queue waits.
const chunk = 4096

// Look calls do with the messages that were sent after the one with this sequence number and have not been deleted, in
// order of sending, until it returns false. It receives nothing, and holds the queue up for a short time only: messages
// that are sent or deleted meanwhile may be missing or not.
func (s *Server) Look(name string, after uint64, do func(Message) bool) error {
	q, err := s.findQueue(name)
	if err != nil {
		return err
	}
	var found []Message
	for more := true; more; {
		found, after, more = q.copyAfter(found[:0], after)
		for _, m := range found {
			if !do(m) {
				return nil
			}
		}
	}
	return nil
}

// copyAfter appends the messages among the next sequence numbers, and returns the last number looked at.
func (q *queue) copyAfter(found []Message, after uint64) (_ []Message, last uint64, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	last = min(after+chunk, q.sequence)
	for n := after + 1; n <= last; n++ {
		if m := q.messages[n]; m != nil {
			found = append(found, m.Message)
		}
	}
	return found, last, last < q.sequence
}

func (s *Server) findQueue(name string) (*queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[name]; q != nil {
		return q, nil
	}
	return nil, fmt.Errorf("queue %s: does not exist", name)
}
