package local

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/eventid"
)

// Sighting is a record with a watched id that a stream has accepted.
type Sighting struct {
	Stream event.Stream
	Number int64 // of the record in its stream, from 0
	At     time.Time
}

// The limits of watching: the latest ids, and the sightings of each.
const (
	watchedIDs    = 8
	keptSightings = 20
)

// watch has the ids that are watched. It is replaced as a whole: while nobody watches, a stream reads one pointer for
// each call of Put.
type watch struct {
	path eventid.Path // to the id in an event; empty when events have none

	mu  sync.Mutex // of changes
	ids atomic.Pointer[[]*watchedID]
}

type watchedID struct {
	id string

	mu        sync.Mutex
	sightings []Sighting
}

// Watch begins to note the records that have this event id, and returns those since an earlier call: an event can be
// followed from its put on. The latest eight ids are watched.
func (p *Pipeline) Watch(id string) []Sighting {
	w := &p.watch
	if id == "" || len(w.path) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []*watchedID
	if all := w.ids.Load(); all != nil {
		ids = slices.Clone(*all)
	}
	for _, known := range ids {
		if known.id == id {
			known.mu.Lock()
			defer known.mu.Unlock()
			return slices.Clone(known.sightings)
		}
	}
	if len(ids) == watchedIDs {
		ids = ids[1:]
	}
	ids = append(ids, &watchedID{id: id})
	w.ids.Store(&ids)
	return nil
}

// EventIDPath leads to the id in an event; it is empty when the event schema declares none.
func (p *Pipeline) EventIDPath() eventid.Path { return p.watch.path }

// note looks for the watched ids in records that a stream has accepted, the first of them with this number.
func (w *watch) note(stream event.Stream, first int64, records [][]byte) {
	ids := w.ids.Load()
	if ids == nil {
		return
	}
	for i, record := range records {
		escaped := bytes.IndexByte(record, '\\') >= 0 // then the id may be written in another way
		for _, watched := range *ids {
			if (escaped || bytes.Contains(record, []byte(watched.id))) && eventid.Find(record, w.path) == watched.id {
				watched.add(Sighting{stream, first + int64(i), time.Now()})
			}
		}
	}
}

func (w *watchedID) add(s Sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sightings) < keptSightings {
		w.sightings = append(w.sightings, s)
	}
}
