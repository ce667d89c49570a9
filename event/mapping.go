package event

// maxKeyword is the longest string, in UTF-16 units, that the search index takes as a term. A longer one stays in the
// document but cannot be searched; without the bound Lucene, whose terms hold 32,766 bytes (3 a unit at most), would refuse
// the whole document.
const maxKeyword = 10_922

// indexTypes are the properties of the search index's fields. The transform lets no value through that does not fit, but it
// can be switched off: ignore_malformed then keeps the document, with the value unindexed.
var indexTypes = map[Type]map[string]any{
	String:  {"type": "keyword", "ignore_above": maxKeyword},
	Double:  {"type": "double", "ignore_malformed": true},
	BigInt:  {"type": "long", "ignore_malformed": true},
	Boolean: {"type": "boolean"}, // knows no ignore_malformed
	Timestamp: {
		"type":             "date",
		"format":           timestampFormat,
		"ignore_malformed": true,
	},
}

// timestampFormat reads every timestamp that isTimestamp accepts: offsets up to 18 hours (14 are accepted), up to nine decimals.
const timestampFormat = "strict_date_optional_time"

// IndexProperties returns the "properties" of the search index's mapping: the declared fields, the fields that [Rules] add,
// and [Malformed], kept in the document but not indexed. The caller may change the result.
func IndexProperties() map[string]any {
	properties := make(map[string]any, len(Fields)+len(Rules)+1)
	add := func(name string, t Type) {
		property := make(map[string]any, len(indexTypes[t]))
		for key, value := range indexTypes[t] {
			property[key] = value
		}
		properties[name] = property
	}
	for _, f := range Fields {
		add(f.Name, f.Type)
	}
	for _, r := range Rules {
		add(r.Name, r.Type)
	}
	properties[Malformed] = map[string]any{"type": "object", "enabled": false}
	return properties
}
