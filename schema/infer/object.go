package infer

import (
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"

	"firehose-pipeline/internal/jsonscan"
)

// object is what is known of the members of objects that are the values of one field.
type object struct {
	id      uint64 // tells apart equal keys of several objects
	count   int64  // objects
	members int64  // of all of them, repeated keys once
	fields  []*node
	byKey   map[string]*node
	keys    int64 // different ones that came, as far as it is known
	unnamed int64 // members whose key cannot be followed: too long, or not fit to be declared
	lost    int64 // members whose key was not followed for want of room
	idKeys  int64 // fields whose key is data: a number, a UUID, an e-mail address
	pruned  bool
	stale   bool   // the scanner has to be made anew
	unfit   string // the reason why the last key could not be followed
	isMap   bool   // too many keys: values are counted together
	mapped  node   // the values of a map
	scan    *jsonscan.Scanner
	named   []*node // by the scanner's names
	unknown int     // members that the scanner's names did not have, since they were made
}

func newObject(id uint64) *object {
	o := &object{id: id, byKey: map[string]*node{}, scan: jsonscan.NewScanner(jsonscan.NewNames())}
	o.mapped.depth = maxDepth // its values are not looked into
	o.mapped.few.many = true
	return o
}

// refreshScan makes the scanner anew when it looks for other names than it should, or holds the memory of a large
// object.
func (o *object) refreshScan() {
	if o.unknown > 16+len(o.fields) && len(o.fields) > len(o.named) {
		o.stale = true
	}
	if !o.stale && cap(o.scan.Members) <= 64+4*len(o.fields) {
		return
	}
	o.named = append(o.named[:0], o.fields...)
	names := make([]string, len(o.named))
	for i, f := range o.named {
		names[i] = f.key
	}
	o.scan, o.unknown, o.stale = jsonscan.NewScanner(jsonscan.NewNames(names...)), 0, false
}

// addObject adds an object that is the value of a field.
func (in *Inference) addObject(n *node, data []byte) {
	if n.object == nil {
		n.object = newObject(mix(uint64(in.nodes), hashText([]byte(n.key))|1))
	}
	scan := n.object.scan
	if n.object.isMap {
		scan = in.scan // values of maps are not looked into, so that one scanner serves all
	}
	if _, problem := scan.Object(data, 0); problem == jsonscan.None {
		in.addMembers(n, scan, data)
	}
}

// addMembers adds the members that the scanner has found in data.
func (in *Inference) addMembers(n *node, scan *jsonscan.Scanner, data []byte) {
	o := n.object
	o.count++
	for i := range scan.Members {
		m := &scan.Members[i]
		if m.Repeated { // the last one counts
			continue
		}
		o.members++
		var field *node
		if m.Name >= 0 && !o.isMap {
			if field = o.named[m.Name]; field == nil { // dropped by prune
				o.lost++
			}
		} else if !o.isMap {
			field = in.follow(n, scan.Key(m))
		}
		if field == nil {
			field = &o.mapped
		}
		in.addValue(field, data, m.Kind, m.Start, m.End, m.Escaped, m.Integer)
	}
	if !o.isMap {
		o.refreshScan()
	}
}

// follow returns the field of a key that the scanner did not know, nil for one that is not followed.
func (in *Inference) follow(n *node, key []byte) *node {
	o := n.object
	o.unknown++
	if field := o.byKey[string(key)]; field != nil {
		return field
	}
	if unfit := unfitKey(key); unfit != "" {
		o.unnamed++
		o.unfit = unfit
		return nil
	}
	hash := hashText(key) ^ o.id
	if in.missed.has(hash) {
		o.lost++
		return nil
	}
	o.keys++
	if len(o.fields) >= maxKeys {
		if n != &in.root {
			in.makeMap(o)
			return nil
		}
		in.prune(o)
	}
	if in.nodes >= maxNodes {
		in.crowded = true
		o.lost++
		in.missed.add(hash)
		return nil
	}
	field := &node{key: string(key), depth: n.depth + 1}
	if n == &in.root {
		field.sample = &sample{}
	}
	if isDataKey(key) {
		o.idKeys++
	}
	in.nodes++
	o.fields = append(o.fields, field)
	o.byKey[field.key] = field
	return field
}

// unfitKey says why a key cannot be a property of the schema; empty when it can.
func unfitKey(key []byte) string {
	switch {
	case len(key) == 0:
		return "an empty key"
	case len(key) > maxKeyBytes:
		return "a key of more than 128 bytes"
	case !utf8.Valid(key):
		return "a key with half of a surrogate pair"
	}
	for _, c := range string(key) {
		if unicode.IsControl(c) {
			return "a key with control characters"
		}
	}
	return ""
}

// makeMap counts the values of an object with too many keys together from now on.
func (in *Inference) makeMap(o *object) {
	for _, f := range o.fields {
		o.mapped.values.add(&f.values)
		in.nodes -= f.size()
	}
	o.isMap, o.fields, o.byKey, o.named, o.scan = true, nil, nil, nil, nil
}

// prune drops half of the event's fields, those that came least often. They are not followed again: what came before
// would be missing.
func (in *Inference) prune(o *object) {
	o.pruned = true
	rarest := slices.Clone(o.fields)
	slices.SortStableFunc(rarest, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.values.all(), b.values.all()), cmp.Compare(a.last, b.last))
	})
	rarest = rarest[:len(rarest)/2]
	dropped := map[*node]bool{}
	for _, f := range rarest {
		dropped[f] = true
		delete(o.byKey, f.key)
		in.missed.add(hashText([]byte(f.key)) ^ o.id)
		in.nodes -= f.size()
		o.lost += f.values.all()
	}
	o.fields = slices.DeleteFunc(o.fields, func(f *node) bool { return dropped[f] })
	// The event that is being added goes on with the scanner, whose names are by their order.
	for i, f := range o.named {
		if f != nil && dropped[f] {
			o.named[i] = nil
		}
	}
	o.stale = true
}

// size is the number of fields in and below a node.
func (n *node) size() int {
	size := 1
	if n.object != nil {
		for _, f := range n.object.fields {
			size += f.size()
		}
	}
	if n.elem != nil && n.elem != &lostElements {
		size += n.elem.size()
	}
	return size
}

// add adds the numbers of other values.
func (c *counts) add(o *counts) {
	for _, n := range [...]struct{ to, from *int64 }{
		{&c.nulls, &o.nulls}, {&c.booleans, &o.booleans}, {&c.strings, &o.strings}, {&c.objects, &o.objects},
		{&c.arrays, &o.arrays},
		{&c.integers, &o.integers}, {&c.bigIntegers, &o.bigIntegers}, {&c.fractions, &o.fractions},
		{&c.unsafe, &o.unsafe},
		{&c.unusable, &o.unusable}, {&c.infinite, &o.infinite}, {&c.epochSeconds, &o.epochSeconds},
		{&c.epochMillis, &o.epochMillis},
		{&c.timestamps, &o.timestamps}, {&c.convertible, &o.convertible}, {&c.dates, &o.dates},
		{&c.numeric, &o.numeric},
		{&c.leadingZeros, &o.leadingZeros}, {&c.booleanText, &o.booleanText}, {&c.empty, &o.empty},
		{&c.looked, &o.looked},
		{&c.emails, &o.emails}, {&c.addresses, &o.addresses},
	} {
		*n.to += *n.from
	}
}
