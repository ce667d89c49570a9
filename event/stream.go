package event

// Stream says which of the two delivery streams a record belongs to, because the streams accept different records: a
// lake record holds one or more objects, a search record exactly one.
type Stream string

// The two delivery streams.
const (
	Lake   Stream = "lake"
	Search Stream = "search"
)

// Valid reports whether s is one of the two streams.
func (s Stream) Valid() bool { return s == Lake || s == Search }

// Other returns the other one of the two streams.
func (s Stream) Other() Stream {
	if s == Lake {
		return Search
	}
	return Lake
}
