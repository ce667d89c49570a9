package event

// Type is the declared type of a field. A declared field reaches the stores in exactly this type: what cannot be kept or
// converted is moved, as text, into the object named by [Malformed].
type Type uint8

// The types a field can have.
const (
	String    Type = iota + 1 // JSON string
	Double                    // JSON number that a float64 holds finitely
	BigInt                    // JSON integer in 64 bits
	Boolean                   // true or false
	Timestamp                 // JSON string in RFC 3339, offset at most 14 hours
)

// Field is one field of an event as producers send it.
type Field struct {
	// Name is the JSON key and the name of the lake's column: lower case letters, digits and underscores, because Glue
	// column names are lower case, and the lake stream looks a key's column up as the key stands.
	Name string
	Type Type
	// Weight is what the field's presence adds to data_quality_score; the score is 100 × the weights present ÷ the sum of
	// all weights.
	Weight float64
	// Comment explains the field to people who read the Glue table.
	Comment string
}

// Fields are the declared fields. To add a field to the pipeline, add it here, at the end (Parquet columns are found by
// name, so that old objects read null): nothing else needs an edit.
var Fields = []Field{
	{Name: "event_id", Type: String, Weight: 1, Comment: "Unique id given by the producer"},
	{Name: "user_id", Type: String, Weight: 0.5, Comment: "User, or empty for a guest"},
	{Name: "event_type", Type: String, Weight: 1, Comment: "What happened: view, cart, purchase, …"},
	{Name: "amount", Type: Double, Weight: 0.5, Comment: "Price, in the shop's currency"},
	{Name: "product_id", Type: String, Weight: 0.5, Comment: "Product"},
	{Name: "timestamp", Type: Timestamp, Weight: 1, Comment: "When it happened, RFC 3339"},
	{Name: "session_id", Type: String, Comment: "Visit"},
	{Name: "category_id", Type: BigInt, Comment: "Category"},
	{Name: "category_code", Type: String, Comment: "Category as a dotted path"},
	{Name: "brand", Type: String, Comment: "Brand"},
}

// Malformed is the object that takes, by its key and as text, each member of an event that a store would not take: declared
// fields that came in another type, and the members that setaside.go names.
const Malformed = "malformed"

// Column is one column of the lake's table.
type Column struct {
	Name, Type, Comment string
}

// glueTypes are the Hive types of the lake's columns. A timestamp stays text: OpenX reads only UTC forms into a Hive
// timestamp, and an event sent with an offset would fail conversion.
var glueTypes = map[Type]string{String: "string", Double: "double", BigInt: "bigint", Boolean: "boolean", Timestamp: "string"}

// Columns returns the columns of the lake's table: the declared fields, the fields that [Rules] add, then [Malformed].
// The partition keys (year, month, day, hour) come from the object's prefix and are not among them.
func Columns() []Column {
	columns := make([]Column, 0, len(Fields)+len(Rules)+1)
	for _, f := range Fields {
		columns = append(columns, Column{f.Name, glueTypes[f.Type], f.Comment})
	}
	for _, r := range Rules {
		columns = append(columns, Column{r.Name, glueTypes[r.Type], r.Comment})
	}
	return append(columns, Column{Malformed, "map<string,string>", "Text of what the stores do not take, by key: declared fields of another type, names that cannot be indexed"})
}
