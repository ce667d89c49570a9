package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// FromEnvironment is [Load] with the input of the CDK command line: the context in CDK_CONTEXT_JSON and, when it is too
// long for a variable, its rest in the file named by CONTEXT_OVERFLOW_LOCATION_ENV.
func FromEnvironment() (Settings, []string, error) {
	return fromEnvironment(os.LookupEnv, os.ReadFile)
}

func fromEnvironment(
	lookup func(string) (string, bool),
	read func(string) ([]byte, error),
) (Settings, []string, error) {
	text, _ := lookup("CDK_CONTEXT_JSON")
	entries, err := decodeObject([]byte(text))
	if err != nil {
		return Settings{}, nil, Problems{"CDK_CONTEXT_JSON: " + err.Error()}
	}
	if path, _ := lookup("CONTEXT_OVERFLOW_LOCATION_ENV"); path != "" {
		text, err := read(path)
		if err != nil {
			return Settings{}, nil, Problems{"CONTEXT_OVERFLOW_LOCATION_ENV: " + printable(err.Error())}
		}
		rest, err := decodeObject(text)
		if err != nil {
			return Settings{}, nil, Problems{printable(path) + ": " + err.Error()}
		}
		entries = append(entries, rest...)
	}
	return loadEntries(entries, lookup)
}

// Load reads the settings from the context, the JSON text that the CDK hands to the app, and from environment
// variables. From lowest to highest: the defaults of the environment, the context (cdk.json and -c arrive as one), the
// context's block environments.<environment>, the environment variables; a variable that is empty counts as not set. A
// null is rejected like any other value of a wrong type.
//
// Every value given is checked, also those that another overrides and those of environments not chosen; the rules
// between settings are checked for the chosen environment. The error is of type [Problems] and complete. The notes are
// lines for the person who runs synth, in a stable order.
func Load(context []byte, lookup func(string) (string, bool)) (s Settings, notes []string, err error) {
	entries, err := decodeObject(context)
	if err != nil {
		return Settings{}, nil, Problems{"context: " + err.Error()}
	}
	return loadEntries(entries, lookup)
}

// given is one value with the name of its place.
type given struct {
	name string
	raw  json.RawMessage
}

// layer holds the values of one source by key.
type layer map[string]given

// The layers in the order of the report: 0 is the context, 1 to 3 are its blocks.
const (
	variablesLayer = 4
	rulesLayer     = 5
)

// loader gathers the given values and their errors.
type loader struct {
	report  report
	keys    []string
	top     layer            // the context outside "environments"
	blocks  map[string]layer // by environment
	process layer            // environment variables
}

func loadEntries(entries []entry, lookup func(string) (string, bool)) (Settings, []string, error) {
	l := loader{top: layer{}, blocks: map[string]layer{}, process: layer{}}
	for _, row := range table(&Settings{}) {
		l.keys = append(l.keys, row.key)
		if value, ok := lookup(row.variable); row.variable != "" && ok && value != "" {
			l.process[row.key] = given{fmt.Sprintf("%s (%s)", row.variable, row.key), encodeJSON(value)}
		}
	}
	l.readContext(entries)
	l.checkValues()

	var s Settings
	rows := table(&s)
	names := map[string]string{} // by key, of the values in force that were given
	invalid := map[string]bool{} // keys whose value in force is unknown
	resolve := func(row setting, layers ...layer) {
		row.field.setValue(row.defaults.of(s.Environment))
		for _, layer := range layers {
			if value, ok := layer[row.key]; ok {
				names[row.key] = value.name
				invalid[row.key] = row.field.setValue(value.raw) != ""
			}
		}
	}
	s.Environment = Dev
	if resolve(rows[0], l.top, l.process); invalid[rows[0].key] {
		return Settings{}, nil, l.report.problems() // the rest depends on it
	}
	for _, row := range rows[1:] {
		resolve(row, l.top, l.blocks[s.Environment], l.process)
	}
	s.deriveDefaults(func(key string) bool { return names[key] != "" })

	for _, c := range s.conflicts() {
		if slices.ContainsFunc(c.keys, func(key string) bool { return invalid[key] }) {
			continue // would only repeat the error of that value
		}
		l.report.add(slices.Index(l.keys, c.keys[0]), rulesLayer, l.placeOf(names, c.keys[0]), "%s", c.text)
	}
	if len(l.report) > 0 {
		return Settings{}, nil, l.report.problems()
	}
	notes := l.noteOverridden(s)
	notes = append(notes, s.adjustAndNote(func(key string) string { return l.placeOf(names, key) })...)
	return s, notes, nil
}

// placeOf returns the place of the value in force; a default is named by its key.
func (l *loader) placeOf(names map[string]string, key string) string {
	if name := names[key]; name != "" {
		return name
	}
	return key
}

// readContext sorts the context's entries into layers and reports those that have no place.
func (l *loader) readContext(entries []entry) {
	for _, e := range entries {
		switch {
		case isForeignKey(e.key):
		case e.key == "environments":
			l.readBlocks(e.raw)
		default:
			l.placeEntry(l.top, 0, "", l.keys, e)
		}
	}
	l.reportRepeated(entries, 0, "")
}

// placeEntry puts one entry into its layer, or reports it as unknown.
func (l *loader) placeEntry(to layer, depth int, prefix string, known []string, e entry) {
	if slices.Contains(known, e.key) {
		to[e.key] = given{prefix + e.key, e.raw}
		return
	}
	hint := ""
	if prefix == "" {
		known = append(slices.Clone(known), "environments")
	}
	if near := suggestKey(e.key, known); near != "" {
		hint = " (did you mean " + near + "?)"
	}
	l.report.add(unknownRow, depth, prefix+showKey(e.key), "unknown setting%s", hint)
}

// readBlocks reads the context's object "environments".
func (l *loader) readBlocks(raw json.RawMessage) {
	blocks, err := objectOf(raw)
	if err != nil {
		l.report.add(0, 1, "environments", "must be an object with a block for %s (got %s)", orList(Environments()),
			showValue(raw))
		return
	}
	for _, block := range blocks {
		prefix := "environments." + showKey(block.key)
		depth := 1 + slices.Index(Environments(), block.key)
		if depth == 0 {
			l.report.add(unknownRow, depth, prefix, "unknown environment (accepted: %s)", strings.Join(Environments(), ", "))
			continue
		}
		entries, err := objectOf(block.raw)
		if err != nil {
			l.report.add(0, depth, prefix, "must be an object of settings (got %s)", showValue(block.raw))
			continue
		}
		l.blocks[block.key] = layer{}
		for _, e := range entries {
			if e.key == "environment" || e.key == "environments" {
				l.report.add(0, depth, prefix+"."+e.key, "cannot be set inside a block")
				continue
			}
			l.placeEntry(l.blocks[block.key], depth, prefix+".", l.keys[1:], e)
		}
		l.reportRepeated(entries, depth, prefix+".")
	}
	l.reportRepeated(blocks, 1, "environments.")
}

// objectOf is [decodeObject] for a value inside the context, where nothing is not an object.
func objectOf(raw json.RawMessage) ([]entry, error) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, fmt.Errorf("not an object: %s", showValue(raw))
	}
	return decodeObject(raw)
}

// reportRepeated reports keys that one object holds more than once.
func (l *loader) reportRepeated(entries []entry, depth int, prefix string) {
	count := map[string]int{}
	for _, e := range entries {
		if count[e.key]++; count[e.key] == 2 && !(prefix == "" && isForeignKey(e.key)) {
			row := slices.Index(l.keys, e.key)
			if row < 0 {
				row = unknownRow
			}
			l.report.add(row, depth, prefix+showKey(e.key), "given more than once")
		}
	}
}

// checkValues checks each given value by itself.
func (l *loader) checkValues() {
	scratch := table(&Settings{})
	layers := []layer{l.top}
	for _, environment := range Environments() {
		layers = append(layers, l.blocks[environment])
	}
	for i, row := range scratch {
		for depth, layer := range layers {
			l.checkValue(i, depth, row, layer)
		}
		l.checkValue(i, variablesLayer, row, l.process)
	}
}

func (l *loader) checkValue(i, depth int, row setting, from layer) {
	value, ok := from[row.key]
	if !ok {
		return
	}
	for _, c := range setField(row.field, value.raw) {
		name := value.name
		if c.member != "" {
			name += "." + c.member
		}
		l.report.add(i, depth, name, "%s", c.text)
	}
}

// noteOverridden notes each value of the context that the environment's block overrides with another one: cdk.json and
// -c arrive as one, so a block would silently win over the command line.
func (l *loader) noteOverridden(s Settings) []string {
	var notes []string
	var above, below Settings
	belowRows := table(&below)
	for i, row := range table(&above) {
		top, inTop := l.top[row.key]
		block, inBlock := l.blocks[s.Environment][row.key]
		if !inTop || !inBlock {
			continue
		}
		row.field.setValue(block.raw)
		belowRows[i].field.setValue(top.raw)
		if a, b := string(row.field.encodeValue()), string(belowRows[i].field.encodeValue()); a != b {
			notes = append(
				notes,
				fmt.Sprintf("%s: %s is overridden by %s %s", top.name, showValue(json.RawMessage(b)), block.name,
					showValue(json.RawMessage(a))),
			)
		}
	}
	return notes
}
