package infer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firehose-pipeline/internal/jsonpointer"
	"firehose-pipeline/schema"
)

// Result is a schema and what it was inferred from.
type Result struct {
	// Schema is the text of a schema file that [schema.Parse] accepts; nil when no field got a type.
	Schema []byte
	Report Report
}

// Result decides. It may be called again after more events have been added.
func (in *Inference) Result() *Result {
	result := &Result{Report: Report{
		Reasons: []Reason{}, Fields: []Field{}, Unsure: []Note{}, Hints: []Note{}, Limits: []string{},
		BrokenParts: []BrokenError{},
	}}
	report := &result.Report
	report.Events, report.Broken, report.BrokenBytes = in.events, in.broken, in.brokenBytes
	report.BrokenParts = append(report.BrokenParts, in.samples...)
	for reason, n := range in.byReason {
		report.Reasons = append(report.Reasons, Reason{reason, n})
	}
	slices.SortFunc(report.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Parts, a.Parts), strings.Compare(a.Reason, b.Reason))
	})
	if in.events == 0 {
		return result
	}
	d := &decider{in: in, report: report}
	o := in.root.object
	lost := o.lost
	root := &property{kind: schema.Struct}
	d.decideFields(root, o)
	o.lost = lost
	d.limitFields(root)
	d.decideRoles(root)
	if in.crowded {
		report.Limits = append(report.Limits, fmt.Sprintf("more than %d fields: those that came later are not declared",
			maxNodes))
	}
	if o.pruned {
		report.Limits = append(report.Limits, fmt.Sprintf("more than %d keys in the event: rare ones are not declared",
			maxKeys))
	}
	d.leavePaths(root)
	d.nameColumns(root)
	result.Schema = d.fit(root)
	report.finish(root)
	return result
}

// limitFields leaves out the rarest fields of the event until the rest has room.
func (d *decider) limitFields(root *property) {
	all := 0
	for _, f := range root.fields {
		all += f.size()
	}
	if all <= maxDeclared {
		return
	}
	rarest := slices.Clone(root.fields)
	slices.SortStableFunc(rarest, func(a, b *property) int { return cmp.Compare(a.events, b.events) })
	for _, f := range rarest {
		if all <= maxDeclared {
			break
		}
		all -= f.size()
		f.left = true
		d.unsure(f, "not declared: a schema has room for %d fields, and this is one of the rarest", maxDeclared)
	}
}

// size is the number of fields that a property declares.
func (p *property) size() int {
	size := 1
	for _, f := range p.fields {
		size += f.size()
	}
	if p.elem != nil {
		size += p.elem.size()
	}
	return size
}

// leavePaths leaves out keys with a dot, which OpenSearch reads as a path, that go through a field which is no object.
func (d *decider) leavePaths(p *property) {
	for _, f := range p.fields {
		first, _, dotted := strings.Cut(f.key, ".")
		if dotted && slices.ContainsFunc(p.fields, func(other *property) bool {
			return other.key == first &&
				other.kind != schema.Struct && other.isTyped()
		}) {
			f.left = true
			d.unsure(f, "not declared: OpenSearch reads a dot in a key as a path, and %s is a field itself",
				quoteJSON(first))
		}
		inner := f
		for inner.elem != nil {
			inner = inner.elem
		}
		d.leavePaths(inner)
	}
}

// nameColumns names columns where the names that the keys give do not do: a column stands for one key, at all depths.
func (d *decider) nameColumns(root *property) {
	keys := map[string]string{}
	var all []*property // by depth: the names of outer fields stay
	for level := []*property{root}; len(level) > 0; {
		var next []*property
		for _, p := range level {
			for _, f := range p.fields {
				if f.left || f.kind == untyped {
					continue
				}
				all = append(all, f)
				inner := f
				for inner.elem != nil {
					inner = inner.elem
				}
				next = append(next, inner)
			}
		}
		level = next
	}
	taken := map[string]map[string]bool{} // by the path of the object
	for _, f := range all {
		name := schema.ColumnName(f.key)
		object := pointer(f.path[:len(f.path)-1])
		if taken[object] == nil {
			taken[object] = map[string]bool{}
		}
		free := func(name string) bool {
			key, known := keys[name]
			return name != "" && !taken[object][name] && (!known || key == f.key)
		}
		if !free(name) {
			base := name
			if base == "" {
				base = "field"
			} else if parent := parentColumn(f.path); parent != "" && len(parent)+len(base) < 100 {
				base = parent + "_" + base
			}
			name = base
			for n := 2; !free(name) || schema.ColumnName(name) != name; n++ {
				name = fmt.Sprintf("%s_%d", base, n)
			}
			f.column = name
			d.hint(f, "x-column %s, because the name that the key gives stands for another key, or for none", name)
		}
		keys[name], taken[object][name] = f.key, true
	}
}

// parentColumn is the column of the nearest object around a field.
func parentColumn(path []string) string {
	for i := len(path) - 2; i >= 0; i-- {
		if path[i] != "*" {
			return schema.ColumnName(path[i])
		}
	}
	return ""
}

// fit writes the schema and leaves out the properties that the parser rejects, such as those whose keys belong to the
// transform.
func (d *decider) fit(root *property) []byte {
	for {
		w := writer{report: d.report}
		text := w.write(d.in.title, root)
		if text == nil {
			d.unsure(root, "no field has a type: there is no schema")
			return nil
		}
		_, err := schema.Parse(text)
		var problems *schema.Error
		if !errors.As(err, &problems) {
			return text
		}
		if !d.leaveOut(root, problems.Problems) {
			d.unsure(root, "there is no schema that the parser accepts: %s", problems.Problems[0])
			return nil
		}
	}
}

// leaveOut leaves out the properties that problems are about; false when they are about none.
func (d *decider) leaveOut(root *property, problems []schema.Problem) bool {
	any := false
	for _, problem := range problems {
		if p := root.at(problem.Pointer); p != nil && p != root && !p.left {
			p.left, any = true, true
			d.unsure(p, "not declared: %s", problem.Message)
		}
	}
	if any {
		return true
	}
	// A problem of the whole, such as the size of a mapping: without the fields that were rarest.
	var rarest []*property
	for _, f := range root.fields {
		if f.isTyped() {
			rarest = append(rarest, f)
		}
	}
	slices.SortStableFunc(rarest, func(a, b *property) int { return cmp.Compare(a.events, b.events) })
	for _, f := range rarest[:(len(rarest)+19)/20] {
		f.left, any = true, true
		d.unsure(f, "not declared: %s", problems[0].Message)
	}
	return any
}

// at returns the innermost property that a place in the schema file belongs to, nil for none.
func (p *property) at(place string) *property {
	words := strings.Split(strings.TrimPrefix(place, "/"), "/")
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "properties" && i+1 < len(words):
			i++
			key := jsonpointer.Unescape(words[i])
			at := slices.IndexFunc(p.fields, func(f *property) bool { return f.key == key })
			if at < 0 {
				return p
			}
			p = p.fields[at]
		case (words[i] == "items" || words[i] == "additionalProperties") && p.elem != nil:
			// A problem of elements is one of their array, unless it is one of a field in them.
			if len(p.elem.fields) == 0 || i+1 >= len(words) || words[i+1] != "properties" {
				return p
			}
			p = p.elem
		default:
			return p
		}
	}
	return p
}
