package schema

// ColumnName returns the column that a key gets when the schema does not name another, without regard to other fields.
// It is empty when the key has no letter or digit to make a name of.
func ColumnName(key string) string {
	name := columnName(key)
	if sqlWords[name] {
		name += "_"
	}
	return name
}
