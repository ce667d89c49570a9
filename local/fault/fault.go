package fault

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Name is the name of a fault.
type Name string

// The faults.
const (
	KinesisThrottled     Name = "kinesis-throttled"
	KinesisLost          Name = "kinesis-lost"
	KinesisReread        Name = "kinesis-reread"
	KinesisReshard       Name = "kinesis-reshard"
	TransformCrash       Name = "transform-crash"
	TransformHang        Name = "transform-hang"
	TransformTimeout     Name = "transform-timeout"
	TransformError       Name = "transform-error"
	TransformOversize    Name = "transform-oversize"
	TransformMissing     Name = "transform-missing"
	TransformDoubled     Name = "transform-doubled"
	S3Down               Name = "s3-down"
	SearchDown           Name = "search-down"
	SearchForbidden      Name = "search-403"
	SearchThrottled      Name = "search-429"
	SearchDocuments      Name = "search-429-documents"
	SearchLost           Name = "search-lost"
	SQSPartial           Name = "sqs-partial"
	SQSThrottled         Name = "sqs-throttled"
	HandlerKilled        Name = "handler-killed"
	HandlerTimeout       Name = "handler-timeout"
	NotificationsDoubled Name = "notifications-doubled"
	NotificationsLate    Name = "notifications-late"
)

// All means every fault with its default.
const All = "all"

// Kind describes a fault.
type Kind struct {
	Name   Name
	Does   string  // for people, one line
	Share  float64 // by default, a share of Of; 0: the fault has a Window
	Of     string
	Window time.Duration // by default: how long it lasts, in the model's time
}

// Kinds are all faults, in the order in which a record meets them.
var Kinds = []Kind{
	{Name: KinesisThrottled, Share: 0.02, Of: "records",
		Does: "a shard of the data stream throttles a record of a put, which the producer resends"},
	{Name: KinesisLost, Share: 0.02, Of: "puts", Does: "the data stream accepts the records and the response is " +
		"lost: the producer resends them, and they arrive twice"},
	{Name: KinesisReread, Share: 0.01, Of: "reads of a shard", Does: "a delivery stream starts to read anew, up to 500 " +
		"records before the last one, and delivers them twice"},
	{Name: KinesisReshard, Share: 0.02, Of: "seconds", Does: "a shard is split in two, up to 16 open ones"},
	{Name: TransformCrash, Share: 0.1, Of: "invocations",
		Does: "the transform's process is killed when it is about to respond"},
	{Name: TransformHang, Share: 0.1, Of: "invocations",
		Does: "the process is stopped (SIGSTOP) and ends with the function's timeout, shortened here"},
	{Name: TransformTimeout, Share: 0.1, Of: "invocations",
		Does: "the response comes after the function's timeout and is ignored"},
	{Name: TransformError, Share: 0.1, Of: "invocations",
		Does: "the function gets a payload that is not an event and returns an error"},
	{Name: TransformOversize, Share: 0.1, Of: "invocations",
		Does: "the response is rejected as longer than 6 MB, and the process exits"},
	{Name: TransformMissing, Share: 0.1, Of: "responses", Does: "the response lacks one record in 50"},
	{Name: TransformDoubled, Share: 0.1, Of: "responses", Does: "the response has one record in 50 twice"},
	{Name: S3Down, Window: 20 * time.Minute, Does: "from the start S3 rejects Firehose's objects (503 SlowDown); " +
		"objects rejected for 24h are discarded"},
	{Name: SearchDown, Window: 12 * time.Minute,
		Does: "from some request on the domain does not answer; past openSearchRetrySeconds documents become dead letters"},
	{Name: SearchForbidden, Window: 12 * time.Minute,
		Does: "from some request on the domain answers 403, as without the role mapping"},
	{Name: SearchThrottled, Share: 0.2, Of: "bulk requests", Does: "the domain answers 429 to a request"},
	{Name: SearchDocuments, Share: 0.05, Of: "documents", Does: "a document of a request is answered 429"},
	{Name: SearchLost, Share: 0.1, Of: "bulk requests", Does: "the documents are indexed and the response is lost"},
	{Name: SQSPartial, Share: 0.01, Of: "messages", Does: "SQS fails a message of a batch (InternalError)"},
	{Name: SQSThrottled, Share: 0.01, Of: "batches", Does: "SQS rejects a batch (RequestThrottled)"},
	{Name: HandlerKilled, Share: 0.001, Of: "dead letters",
		Does: "the error handler's process is killed in the middle of an object, after SQS accepted the dead letter"},
	{Name: HandlerTimeout, Share: 0.1, Of: "invocations",
		Does: "the error handler does its work, and then runs into its timeout"},
	{Name: NotificationsDoubled, Share: 0.2, Of: "error objects", Does: "S3 notifies of an object twice"},
	{Name: NotificationsLate, Share: 0.2, Of: "error objects",
		Does: "S3 notifies of an object late, after up to five later ones"},
}

func findKind(name Name) *Kind {
	for i := range Kinds {
		if Kinds[i].Name == name {
			return &Kinds[i]
		}
	}
	return nil
}

// Parameter is the default parameter as it is written.
func (k *Kind) Parameter() string {
	if k.Window > 0 {
		text := k.Window.String() // 12m0s
		if short, ok := strings.CutSuffix(text, "m0s"); ok {
			text = short + "m"
		}
		if short, ok := strings.CutSuffix(text, "h0m"); ok {
			text = short + "h"
		}
		return text
	}
	return strconv.FormatFloat(k.Share, 'g', -1, 64)
}

// Plan is which faults a run has, with their parameters. The zero Plan has none.
type Plan struct {
	shares  map[Name]float64
	windows map[Name]time.Duration
	all     map[Name]bool // those that only "all" asks for
}

// Empty reports whether the plan has no faults.
func (p *Plan) Empty() bool { return len(p.shares)+len(p.windows) == 0 }

// Names returns the faults of the plan, in the order of Kinds.
func (p *Plan) Names() []Name {
	var names []Name
	for _, k := range Kinds {
		if p.hasFault(k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

func (p *Plan) hasFault(name Name) bool {
	return p.shares[name] > 0 || p.windows[name] > 0
}

// Add adds the fault NAME or NAME:PARAMETER, or all of them; of several with one name the last counts, and one that is
// named over "all".
func (p *Plan) Add(text string) error {
	name, parameter, given := strings.Cut(text, ":")
	if name == All {
		if given {
			return fmt.Errorf("%s takes no parameter (got %q)", All, parameter)
		}
		for _, k := range Kinds {
			if !p.hasFault(k.Name) {
				p.setFault(&k, k.Share, k.Window)
				p.all[k.Name] = true
			}
		}
		return nil
	}
	k := findKind(Name(name))
	if k == nil {
		names := []string{All}
		for _, k := range Kinds {
			names = append(names, string(k.Name))
		}
		return fmt.Errorf("must be one of %s (got %q)", strings.Join(names, ", "), name)
	}
	share, window := k.Share, k.Window
	if given && k.Window > 0 {
		d, err := time.ParseDuration(parameter)
		if err != nil || d <= 0 || d > maxWindow {
			return fmt.Errorf("%s: must be a duration such as 90s, 12m or 25h, above 0 and at most 1000h (got %q)",
				name, parameter)
		}
		window = d
	} else if given {
		s, err := strconv.ParseFloat(parameter, 64)
		if err != nil || !(s > 0 && s <= 1) {
			return fmt.Errorf("%s: must be a share of the %s, above 0 and at most 1, such as 0.2 (got %q)", name, k.Of,
				parameter)
		}
		share = s
	}
	p.setFault(k, share, window)
	return nil
}

const maxWindow = 1000 * time.Hour

func (p *Plan) setFault(k *Kind, share float64, window time.Duration) {
	if p.shares == nil {
		p.shares, p.windows, p.all = map[Name]float64{}, map[Name]time.Duration{}, map[Name]bool{}
	}
	delete(p.all, k.Name)
	if k.Window > 0 {
		p.windows[k.Name] = window
	} else {
		p.shares[k.Name] = share
	}
}

// Without returns the plan without faults that cannot occur, for the reason why; it fails on one that was asked
// for by name.
func (p *Plan) Without(why string, names ...Name) (Plan, error) {
	rest := Plan{maps.Clone(p.shares), maps.Clone(p.windows), maps.Clone(p.all)}
	for _, name := range names {
		if p.hasFault(name) && !p.all[name] {
			return rest, fmt.Errorf("fault %s: %s", name, why)
		}
		delete(rest.shares, name)
		delete(rest.windows, name)
		delete(rest.all, name)
	}
	return rest, nil
}

// String is the plan as flags would have it.
func (p *Plan) String() string {
	var all []string
	for _, name := range p.Names() {
		k := *findKind(name)
		k.Share, k.Window = p.shares[name], p.windows[name]
		all = append(all, string(name)+":"+k.Parameter())
	}
	return strings.Join(all, " ")
}

// Faults decides and counts. Its methods may be called concurrently; a nil Faults has no fault.
type Faults struct {
	plan Plan
	seed uint64

	mu    sync.Mutex
	asked map[Name]bool
	fired map[Name]int64
}

// New makes a plan's decisions by a seed.
func New(plan Plan, seed uint64) *Faults {
	return &Faults{plan: plan, seed: seed, asked: map[Name]bool{}, fired: map[Name]int64{}}
}

// On reports whether the run has any of the faults.
func (f *Faults) On(names ...Name) bool {
	return f != nil && slices.ContainsFunc(names, f.plan.hasFault)
}

// Draw reports whether the fault's share has the n-th thing of this key. It does not count.
func (f *Faults) Draw(name Name, key string, n int64) bool {
	return f.On(name) && float64(f.Hash(name, key, n)>>11) < f.plan.shares[name]*(1<<53)
}

// Hash is the number that the fault's decisions about a thing are made from.
func (f *Faults) Hash(name Name, key string, n int64) uint64 {
	h := mixBits(f.seed + 1)
	for _, text := range []string{string(name), key} {
		for i := range len(text) {
			h = (h ^ uint64(text[i])) * 0x100000001b3
		}
		h = mixBits(h + uint64(len(text)))
	}
	return mixBits(h + uint64(n))
}

// mixBits is SplitMix64's.
func mixBits(h uint64) uint64 {
	h += 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// Hit is Draw that counts. A forced thing is hit whatever is drawn: the first ones are, so that a fault shows in a
// short run too.
func (f *Faults) Hit(name Name, key string, n int64, forced bool) bool {
	if !f.On(name) || !forced && !f.Draw(name, key, n) {
		return false
	}
	f.Fired(name, 1)
	return true
}

// First reports whether it is asked for the first time.
func (f *Faults) First(name Name) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := !f.asked[name]
	f.asked[name] = true
	return first
}

// Window is how long a fault lasts, 0 without it.
func (f *Faults) Window(name Name) time.Duration {
	if f == nil {
		return 0
	}
	return f.plan.windows[name]
}

// Fired counts that a fault has occurred n times.
func (f *Faults) Fired(name Name, n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fired[name] += n
}

// Counts returns how often each fault of the plan has occurred, nil without one.
func (f *Faults) Counts() map[Name]int64 {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[Name]int64{}
	for _, name := range f.plan.Names() {
		counts[name] = f.fired[name]
	}
	return counts
}
