package settings

// Setting describes one setting for the documentation.
type Setting struct {
	Key      string
	Variable string            // environment variable that overrides it, or empty
	Accepts  string            // completes "must be …"
	Unit     string            // of a number
	Defaults map[string]string // JSON by environment
	Meaning  string            // one line of Markdown; links are as seen from docs
	Change   string            // effect of a change on a running stack, the same
}

// List returns the settings in the order of the documentation, with the defaults of each environment as they are when
// nothing else is set.
func List() []Setting {
	return describeRows(table(&Settings{}))
}

func describeRows(rows []setting) []Setting {
	settings := make([]Setting, len(rows))
	for i, row := range rows {
		settings[i] = Setting{
			row.key,
			row.variable,
			row.field.describeRange(),
			row.unit,
			map[string]string{},
			row.meaning,
			row.change,
		}
		for _, environment := range Environments() {
			settings[i].Defaults[environment] = string(row.defaults.of(environment))
		}
	}
	return settings
}
