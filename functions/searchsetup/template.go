package searchsetup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// indexTemplate is written exactly as OpenSearch answers it: settings nested under "index", their values strings.
func indexTemplate(s State) object {
	return object{
		"index_patterns": s.indexPatterns(),
		"priority":       100,
		"composed_of":    []string{},
		"template": object{
			"settings": object{"index": object{
				"number_of_shards":   strconv.Itoa(s.Shards),
				"number_of_replicas": strconv.Itoa(s.Replicas),
				"mapping":            object{"total_fields": object{"limit": "1000"}},
				"search": object{"slowlog": object{"threshold": object{
					"query": object{"warn": "5s"}, "fetch": object{"warn": "1s"},
				}}},
				// source is how much of a slow document the log quotes: events do not belong into logs.
				"indexing": object{"slowlog": object{"threshold": object{"index": object{"warn": "5s"}},
					"source": "0"}},
			}},
			"mappings": s.Mappings(),
		},
	}
}

// Mappings returns the "mappings" of the pipeline's indices.
//
// "dynamic" is false: a field that the schema does not declare stays in the document (_source) but is not indexed.
// Indexing it would let one event with thousands of keys use up the mapping, and the first value of a field decide its
// type and reject every later event that differs. To search a field, declare it in the event's schema.
func (s State) Mappings() map[string]any {
	return object{"dynamic": "false", "date_detection": false, "properties": s.Properties}
}

// putTemplate creates the index template, or replaces one that differs. It decides about new indices only.
func (s *Setup) putTemplate(ctx context.Context, state State) error {
	target := joinPath("_index_template", state.Index)
	var got struct {
		Templates []struct {
			Name     string `json:"name"`
			Template any    `json:"index_template"`
		} `json:"index_templates"`
	}
	err := s.Client.callServer(ctx, http.MethodGet, target, nil, &got)
	if err != nil && !hasStatus(err, http.StatusNotFound) {
		return fmt.Errorf("reading index template %q: %w", state.Index, err)
	}
	want := indexTemplate(state)
	for _, t := range got.Templates {
		if t.Name == state.Index && reflect.DeepEqual(t.Template, asJSON(want)) {
			return nil
		}
	}
	if err := s.Client.callServer(ctx, http.MethodPut, target, want, nil); err != nil {
		return fmt.Errorf("putting index template %q: %w", state.Index, err)
	}
	return nil
}

// updateIndices updates existing indices as far as possible: the number of replicas, and fields that were added to the
// schema. Neither shards nor the type of a field can change; such an index stays as it is until it is deleted. So does
// a closed index, and one that is blocked.
func (s *Setup) updateIndices(ctx context.Context, state State) error {
	list, err := s.listIndices(ctx, state, "open")
	if err != nil {
		return err
	}
	for _, name := range list.blocked {
		s.log().Warn("a block keeps the index as it is", "index", escapeText(name), "error",
			"index.blocks.metadata [FORBIDDEN/9]")
	}
	if len(list.replicas) == 0 {
		return nil
	}
	if err := s.updateReplicas(ctx, state, list.replicas); err != nil {
		return err
	}
	return s.updateMappings(ctx, state)
}

// allIndices is the path of the pipeline's indices without some; none of them need exist. expand says which of them
// that the wildcard matches: "open" or "closed". <index> itself is found in either state.
func allIndices(state State, expand string, without []string, segments ...string) string {
	names := state.indexPatterns()
	for _, name := range without {
		names = append(names, "-"+name)
	}
	return joinPath(append([]string{strings.Join(names, ",")}, segments...)...) +
		"?ignore_unavailable=true&allow_no_indices=true&expand_wildcards=" + expand
}

// getIndices asks something about the pipeline's indices. One whose metadata is blocked fails the request for all: it
// is left out, and its name returned.
func (s *Setup) getIndices(
	ctx context.Context, state State, expand string, out any, segments ...string,
) (blocked []string, err error) {
	for {
		target := allIndices(state, expand, blocked, segments...)
		err := s.Client.callServer(ctx, http.MethodGet, target, nil, out)
		b := blockOf(err)
		if b == nil || b.cluster {
			return blocked, err
		}
		more := slices.DeleteFunc(b.indices, func(name string) bool { return slices.Contains(blocked, name) })
		if len(more) == 0 || len(allIndices(state, expand, append(blocked, more...), segments...)) > maxRequestLine {
			return blocked, err
		}
		blocked = append(blocked, more...)
	}
}

// indexList is the pipeline's indices.
type indexList struct {
	replicas map[string]string // number of replicas, where the server returned it
	blocked  []string          // names of those whose metadata is blocked
}

// listIndices lists the open indices of the pipeline, or the closed ones.
func (s *Setup) listIndices(ctx context.Context, state State, expand string) (indexList, error) {
	var got map[string]struct {
		Settings struct {
			Index struct {
				Replicas string `json:"number_of_replicas"`
			} `json:"index"`
		} `json:"settings"`
	}
	blocked, err := s.getIndices(ctx, state, expand, &got, "_settings", "index.number_of_replicas")
	if err != nil {
		return indexList{}, fmt.Errorf("listing %s indices of %q: %w", expand, state.Index, err)
	}
	list := indexList{replicas: make(map[string]string, len(got))}
	for name, index := range got {
		if state.ownsIndex(name) { // not one that an alias of this name points to
			list.replicas[name] = index.Settings.Index.Replicas
		}
	}
	for _, name := range blocked {
		if state.ownsIndex(name) {
			list.blocked = append(list.blocked, name)
		}
	}
	return list, nil
}

func (s *Setup) updateReplicas(ctx context.Context, state State, indices map[string]string) error {
	want := strconv.Itoa(state.Replicas)
	for _, name := range slices.Sorted(maps.Keys(indices)) {
		if indices[name] == want {
			continue
		}
		body := object{"index": object{"number_of_replicas": want}}
		if err := s.Client.callServer(ctx, http.MethodPut, joinPath(name, "_settings"), body, nil); err != nil &&
			!s.skipsIndex(name, err) {
			return fmt.Errorf("changing replicas of index %q: %w", name, err)
		}
	}
	return nil
}

func (s *Setup) updateMappings(ctx context.Context, state State) error {
	var got map[string]struct {
		Mappings struct {
			Properties map[string]map[string]any `json:"properties"`
		} `json:"mappings"`
	}
	if _, err := s.getIndices(ctx, state, "open", &got, "_mapping"); err != nil {
		return fmt.Errorf("reading mappings of %q: %w", state.Index, err)
	}
	want, ok := asJSON(state.Properties).(map[string]any)
	if !ok {
		return errors.New("reading properties: not an object")
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if !state.ownsIndex(name) {
			continue
		}
		has, added := got[name].Mappings.Properties, object{}
		for field, property := range want {
			p, known := has[field]
			if !known {
				added[field] = property
			} else if w, ok := property.(map[string]any); ok && p["type"] != w["type"] && p["properties"] == nil {
				s.log().Warn("an existing index keeps the field's old type",
					"index", escapeText(name), "field", field, "type", escapeText(fmt.Sprint(p["type"])), "declared",
					w["type"])
			}
		}
		if len(added) == 0 {
			continue
		}
		body := object{"properties": added}
		if err := s.Client.callServer(ctx, http.MethodPut, joinPath(name, "_mapping"), body, nil); err != nil &&
			!s.skipsIndex(name, err) {
			return fmt.Errorf("adding fields to index %q: %w", name, err)
		}
	}
	return nil
}

// deleteTemplate removes the index template. It may be gone already.
func (s *Setup) deleteTemplate(ctx context.Context, state State) error {
	err := s.Client.callServer(ctx, http.MethodDelete, joinPath("_index_template", state.Index), nil, nil)
	if err != nil && !hasStatus(err, http.StatusNotFound) {
		return fmt.Errorf("deleting index template %q: %w", state.Index, err)
	}
	return nil
}
