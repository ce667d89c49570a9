package judge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The streams.
const (
	lake   = "lake"
	search = "search"
)

// verdict gathers what the rules need.
type verdict struct {
	*Facts
	lines  map[string]*Line // by token
	stores map[string]map[string]int
	// failed are the places of failed records, by stream and token: object, version and offset.
	failed     map[string]map[string]map[string]bool
	letters    map[*Message]*letter
	objects    map[string]*Object // by key and version
	violations []Violation
}

// Judge returns the promises that a run broke, after it has come to rest.
func Judge(f *Facts) []Violation {
	v := &verdict{Facts: f, lines: map[string]*Line{}, stores: map[string]map[string]int{lake: {}, search: {}},
		failed:  map[string]map[string]map[string]bool{lake: {}, search: {}},
		letters: map[*Message]*letter{}, objects: map[string]*Object{}, violations: slices.Clone(f.Failures)}
	for i := range f.Lines {
		for _, token := range f.Lines[i].Tokens {
			v.lines[token] = &f.Lines[i]
		}
	}
	v.readStores()
	v.readLetters()
	v.checkConservation()
	v.checkLetters()
	v.checkDeletions()
	v.checkStates()
	for _, r := range f.Runs {
		v.checkRun(r)
	}
	return v.violations
}

func (v *verdict) fail(rule, format string, args ...any) {
	v.violations = append(v.violations, Violation{rule, fmt.Sprintf(format, args...)})
}

// readStores reads the events of both stores. Each must be one that was sent, with its own content.
func (v *verdict) readStores() {
	for _, o := range v.Objects {
		v.objects[o.Key+" "+o.Version] = o
		if strings.HasPrefix(o.Key, "transformed-data/") {
			for line := range bytes.Lines(o.Content) {
				v.readEvent(lake, line)
			}
		} else if stream := streamOf(o.Key); stream != "" {
			v.readFailures(stream, o)
		}
	}
	for _, d := range v.Documents {
		v.readEvent(search, d.Source)
	}
}

// streamOf is the stream of an error object; it is empty of any other.
func streamOf(key string) string {
	for _, stream := range []string{lake, search} {
		if strings.HasPrefix(key, "error-data/"+stream+"/") {
			return stream
		}
	}
	return ""
}

func (v *verdict) readEvent(store string, text []byte) {
	var e struct {
		ID      string `json:"event_id"`
		Product string `json:"product"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		v.fail("content", "%s has %q: %v", store, text, err)
		return
	}
	line := v.lines[e.ID]
	if line == nil || line.Dropped || e.Product != Product(e.ID) {
		v.fail("content", "%s has %q, which was not sent so", store, text)
	}
	v.stores[store][e.ID]++
}

// failure is a document of an error object: the fields that the judge reads.
type failure struct {
	RawData []byte `json:"rawData"`
	Arrival int64  `json:"arrivalTimestamp"` // milliseconds since 1970
	offset  int64
}

// failures are the documents of an error object, one a line.
func failures(o *Object) (all []failure) {
	var offset int64
	for line := range bytes.Lines(o.Content) {
		var f failure
		if err := json.Unmarshal(line, &f); err == nil {
			f.offset = offset
			all = append(all, f)
		}
		offset += int64(len(line))
	}
	return all
}

func (v *verdict) readFailures(stream string, o *Object) {
	for _, f := range failures(o) {
		for _, token := range Tokens(f.RawData) {
			places := v.failed[stream][token]
			if places == nil {
				places = map[string]bool{}
				v.failed[stream][token] = places
			}
			places[place(o.Key, o.Version, f.offset)] = true
		}
	}
}

func place(key, version string, offset int64) string {
	return fmt.Sprint(key, " ", version, " ", offset)
}

// checkConservation: every accepted record is in its store, dropped by rule, or in the queue, itself or by a pointer.
func (v *verdict) checkConservation() {
	waiting := map[string]map[string]bool{lake: {}, search: {}}
	for _, m := range v.Messages {
		if m.Deleted {
			continue
		}
		for _, r := range v.letters[m].records {
			waiting[r.stream][r.token] = true
		}
	}
	missing := map[string]bool{}
	for _, a := range v.Accepts {
		for _, token := range a.Tokens {
			if v.stores[a.Stream][token] == 0 && !waiting[a.Stream][token] && !v.lines[token].Dropped {
				missing[a.Stream+" accepted "+token+", and it is in no store and not in the queue"] = true
			}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(missing)) {
		v.fail("conservation", "%s", text)
	}
	for stream, tokens := range waiting {
		for _, token := range slices.Sorted(maps.Keys(tokens)) {
			if line := v.lines[token]; !line.Broken {
				v.fail("drained", "a dead letter of %s of %s is left after every cause was fixed and replay had run",
					token, stream)
			}
		}
	}
}
