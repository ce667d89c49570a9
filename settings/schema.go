package settings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// schema is a JSON Schema. Its keys are written in alphabetical order.
type schema map[string]any

// Schema returns a JSON Schema of cdk.json, by which editors complete and check its settings. It accepts every context
// that [Load] accepts. Rules between settings are not in it, nor the range of a number that is written as a string.
func Schema() []byte {
	definitions, context, block := schema{}, schema{}, schema{}
	for _, row := range table(&Settings{}) {
		definitions[row.key] = row.jsonSchema()
		reference := schema{"$ref": "#/definitions/" + row.key}
		context[row.key] = reference
		if row.key != "environment" {
			block[row.key] = reference
		}
	}
	definitions["block"] = schema{
		"type": "object", "properties": block, "additionalProperties": false,
		"description": "Settings of one environment. They win over those beside the blocks, and over -c.",
	}
	blocks := schema{}
	for _, environment := range Environments() {
		blocks[environment] = schema{"$ref": "#/definitions/block"}
	}
	context["environments"] = schema{
		"type": "object", "properties": blocks, "additionalProperties": false,
		"description": "Settings of one environment only, in a block with its name.",
	}
	context["acknowledged-issue-numbers"], context["cli-telemetry"] = schema{}, schema{} // see isForeignKey
	definitions["context"] = schema{
		"type": "object", "properties": context, "additionalProperties": false,
		"patternProperties": schema{"[:@]": schema{}}, // the CDK's
		"description":       "The pipeline's settings: docs/settings.md. Keys with : or @ belong to the CDK.",
	}
	whole := schema{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "cdk.json of firehose-pipeline",
		"description": "Generated from settings/table.go by make update.",
		"type":        "object",
		"properties":  schema{"context": schema{"$ref": "#/definitions/context"}},
		"definitions": definitions,
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(whole); err != nil {
		panic(fmt.Sprintf("encoding the schema: %v", err)) // it holds maps, lists, strings, numbers and booleans only
	}
	return text.Bytes()
}

// jsonSchema returns the schema of one setting, with the description that an editor shows.
func (row setting) jsonSchema() schema {
	described := schema{}
	maps.Copy(described, row.field.jsonSchema())
	setting := describeRows([]setting{row})[0]
	described["description"] = plainText(fmt.Sprintf("%s.\nAccepts %s. Default: %s.\nA change: %s.",
		setting.Meaning, acceptedValues(setting), setting.describeDefaults(""), lowerFirst(setting.Change)))
	if value := setting.Defaults[Dev]; setting.Defaults[Staging] == value && setting.Defaults[Production] == value {
		described["default"] = json.RawMessage(value)
	}
	return described
}

var markdownLink = regexp.MustCompile(`\[([^\]]*)\]\(([^)]*)\)`)

// plainText removes Markdown for editors: links become "text (docs/page)".
func plainText(markdown string) string {
	return strings.ReplaceAll(markdownLink.ReplaceAllString(markdown, "$1 (docs/$2)"), "`", "")
}

func anyOf(choices ...schema) schema { return schema{"anyOf": choices} }

// orWord adds a word, if there is one, to the values that a schema accepts.
func orWord(word string, rest ...schema) schema {
	if word != "" {
		rest = append(rest, schema{"enum": []string{word}})
	}
	if len(rest) == 1 {
		return rest[0]
	}
	return anyOf(rest...)
}

func (f integer) jsonSchema() schema {
	number := schema{"type": "integer", "minimum": f.min, "maximum": f.max}
	inQuotes := schema{"type": "string", "pattern": integerForm.String()}
	if f.of != nil {
		number = schema{"enum": f.of}
		inQuotes["pattern"] = "^(" + strings.Trim(strings.ReplaceAll(fmt.Sprint(f.of), " ", "|"), "[]") + ")$"
	}
	return orWord(f.word, number, inQuotes)
}

func (f boolean) jsonSchema() schema {
	return anyOf(schema{"type": "boolean"}, schema{"type": "string", "pattern": "^(true|false)$"})
}

func (f choice) jsonSchema() schema { return schema{"enum": f.of} }

func (f text) jsonSchema() schema {
	form := schema{"type": "string", "pattern": f.form.String()}
	if f.max > 0 {
		form["maxLength"] = f.max
	}
	if f.word != "" {
		return orWord(f.word, form, schema{"type": "string", "maxLength": 0})
	}
	if f.suggestions != nil { // a value of another form is accepted too: the list is there to choose from
		return anyOf(schema{"enum": f.suggestions}, form)
	}
	return form
}

func (f list) jsonSchema() schema {
	item := schema{"type": "string"}
	if f.form != nil {
		item["pattern"] = f.form.String()
	}
	if f.fits != nil {
		item["minLength"] = 1
	}
	items := schema{"type": "array", "items": item, "uniqueItems": true}
	return orWord(f.word, items, schema{"type": "string", "description": "Comma-separated, or a JSON array in a string."})
}

func (f vpc) jsonSchema() schema {
	var existing ExistingVPC
	properties, required := schema{}, []string{}
	for _, m := range vpcMembers(&existing) {
		properties[m.key] = m.field.jsonSchema()
		if m.required {
			required = append(required, m.key)
		}
	}
	return anyOf(
		schema{"enum": []string{"none", "new"}},
		schema{"type": "object", "properties": properties, "required": required, "additionalProperties": false},
		schema{"type": "string", "pattern": `\{`},
	)
}

// knownTypes returns the names of the instance types that are known, for an editor's completion.
func knownTypes() []string {
	var names []string
	for _, family := range slices.Sorted(maps.Keys(gp3Volumes)) {
		for _, size := range gp3Volumes[family].sizeNames() {
			names = append(names, family+"."+size+".search")
		}
	}
	return names
}
