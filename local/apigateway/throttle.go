package apigateway

import (
	"sync"
	"time"
)

// throttle is a token bucket, as API Gateway describes its own. Nil lets everything through.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
type throttle struct {
	mu          sync.Mutex
	now         func() time.Time
	last        time.Time
	rate, burst float64
	level       float64
}

func newThrottle(rate float64, burst int, now func() time.Time) *throttle {
	if rate <= 0 {
		return nil
	}
	return &throttle{now: now, last: now(), rate: rate, burst: float64(burst), level: float64(burst)}
}

func (t *throttle) takeToken() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if elapsed := now.Sub(t.last); elapsed > 0 {
		t.last = now
		t.level = min(t.burst, t.level+t.rate*elapsed.Seconds())
	}
	if t.level < 1 {
		return false
	}
	t.level--
	return true
}
