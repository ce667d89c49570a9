package schema

// FileName is the name of the schema file beside cdk.json, and beside the executable in a function's zip.
const FileName = "event-schema.json"

// Kind is the declared type of a value.
type Kind uint8

// The kinds of values, with the Hive type of the lake and the type in the search index.
const (
	String    Kind = iota + 1 // JSON string; string; keyword
	Timestamp                 // JSON string in RFC 3339; string; date
	Date                      // JSON string yyyy-mm-dd; date; date
	Double                    // JSON number that a float64 holds finitely; double; double
	BigInt                    // JSON integer in 64 bits; bigint; long
	Boolean                   // true or false; boolean; boolean
	Struct                    // object with declared properties; struct<…>; object
	Map                       // object with any keys and values of one scalar type; map<string,…>; flat_object
	Array                     // array of one type; array<…>; the type of the element
)

// Scalar reports whether values of the kind are neither objects nor arrays.
func (k Kind) Scalar() bool { return k >= String && k <= Boolean }

// Protection is what the transform does with the value of a field of personal data.
type Protection uint8

// The protections.
const (
	Unprotected Protection = iota
	Hash                   // HMAC-SHA-256 of the value with the stack's key; the field becomes a String
	Redact                 // a constant in place of the value; the field becomes a String
	Drop                   // the member is removed; the field has no column
)

// Schema is a parsed and valid event schema.
type Schema struct {
	Title       string
	Description string
	// Fields are the declared properties that have a type, in the order of the file.
	Fields []*Field
	// Untyped are the keys of properties without a type of their own (no type, several types, an object without
	// properties): they have no column and are not indexed.
	Untyped []string
	// Enrich are the fields that the transform adds, in the order in which it adds them. The first is ProcessedAt.
	Enrich []*Enrichment
	// EventID is the field that identifies an event (x-event-id; event_id when declared), nil for none.
	EventID *Field
	// EventType is the field that the setting dropEventTypes looks at (x-event-type; event_type when declared), nil for
	// none.
	EventType *Field
	// Warnings name the keywords that restrict values and that nothing enforces, which x-unenforced allows.
	Warnings []Problem
}

// Field is one declared property, of the event or of a struct.
type Field struct {
	// Key is the JSON key.
	Key string
	// Column is the name of the lake's column or of the struct's field: lower-case letters, digits and underscores.
	// A dropped field has none.
	Column string
	// Pointer is the JSON Pointer (RFC 6901) of the value in an event, with * for the elements of an array.
	Pointer string
	Type    *Type
	// Declared is the type as sent, before the protection of the field or of its elements: bounds apply to it. Without
	// protection it is Type.
	Declared *Type
	// Comment is made of title, description and examples, at most 255 characters.
	Comment string
	// Required: the key is in required of its object. It rejects no event.
	Required bool
	// Protect applies to this field. Type is the type after the protection.
	Protect Protection
}

// Type is the declared type of a value and its bounds. null is accepted for every type.
type Type struct {
	Kind   Kind
	Fields []*Field // Struct, in the order of the file
	Elem   *Type    // Array: its elements; Map: its values

	// Enum are the accepted values, nil for any: decoded text of String, Timestamp and Date; JSON text of numbers,
	// true, false.
	Enum []string
	// MaxLength is the largest number of Unicode code points of a String, -1 for no bound.
	MaxLength int
	// Bounds of a Double or BigInt.
	Bounds Bounds
	// Protect, Hash or Redact, applies to the elements of an array or the values of a map, in Field.Declared; that of a
	// field is in Field. A field whose elements are dropped is dropped.
	Protect Protection
}

// Bounds are minimum and maximum, both inclusive.
type Bounds struct {
	HasMin, HasMax bool
	Min, Max       float64 // Double
	MinInt, MaxInt int64   // BigInt: the bounds rounded towards each other
}

// Enrichment is a field that the transform adds to every event. Exactly one of the pointers and ProcessedAt is set.
type Enrichment struct {
	Name    string // key and column
	Kind    Kind   // String, Timestamp, Double, BigInt or Boolean
	Comment string

	ProcessedAt bool // Timestamp: when the transform ran
	Status      *Status
	Constant    *Constant
	Presence    *Presence
	Truth       *Truth
	Bands       *Bands
	Categories  *Categories
	Score       *Score
	Go          string // the name of a function in event.Custom
}

// Status is one of two values: whether something of the event is in malformed.
type Status struct{ Complete, Partial string }

// Constant is the same value for every event.
type Constant struct {
	JSON string // as JSON: a string, number, true or false
}

// Presence is a value for an event that has the field, neither null, malformed nor a blank string, and one for any
// other. A nil value adds no field. With Kind Boolean they are true and false.
type Presence struct {
	Field           *Field
	Present, Absent *string
}

// Truth is a value by whether the field, as sent, is one of "", null, false, 0, {} and [], or something else. An absent
// field adds Absent, or no field when that is nil. With Kind Boolean True is "true" and False is "false".
type Truth struct {
	Field       *Field
	True, False string
	Absent      *string
}

// Bands is a value by the range that a number is in: the first band whose bound it passes, else Otherwise. An event
// whose field is null or malformed gets Invalid, one without the field Absent; a nil value adds no field.
type Bands struct {
	Field           *Field // Double or BigInt
	Bands           []Band
	Otherwise       *string
	Invalid, Absent *string
}

// Band is one band: numbers above the bound, or from the bound on when Inclusive.
type Band struct {
	Bound     float64
	Inclusive bool
	Value     string
}

// Categories is a value by the set that a string is in, else Otherwise, also for null and malformed. An event without
// the field gets Absent; a nil value adds no field.
type Categories struct {
	Field             *Field // String
	Sets              []Set
	Otherwise, Absent *string
}

// Set is one category and the strings that belong to it.
type Set struct {
	Value   string
	Members []string
}

// Score is 100 × the weights of the fields that are present ÷ the sum of all weights, a Double with at most two
// decimals.
type Score struct {
	Weights []Weight // never empty; positive
}

// Weight is the weight of one field.
type Weight struct {
	Field  *Field
	Weight float64
}

// Malformed is the object, and the column, that takes as text what the stores do not accept: by key, or by JSON Pointer
// for a nested value.
const Malformed = "malformed"

// Column is one column of the lake's table, with its Hive type.
type Column struct {
	Name, Type, Comment string
}
