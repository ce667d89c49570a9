package schema

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the services that a schema must stay within.
const (
	// https://docs.aws.amazon.com/glue/latest/webapi/API_Column.html
	maxColumnName = 255
	maxColumnType = 131_072
	maxComment    = 255

	// index.mapping.total_fields.limit, which the index template sets, and index.mapping.depth.limit, which it leaves
	// at OpenSearch's default. An object counts as a field and is one deeper than the object around it; the document is
	// 1.
	// https://docs.opensearch.org/latest/mappings/mapping-explosion
	maxIndexFields = 1000
	maxIndexDepth  = 20

	// A template has at most 1 MB, in which the columns are spelled out and the mapping is a string. The stack's own
	// part of the largest template is below 300 KB.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
	maxTemplateBytes = 700_000

	// CloudFormation calls the search setup asynchronously, with the old and the new mapping in one request. Lambda
	// accepted 256 KB then, and accepts 1 MB since October 2025; no page says that CloudFormation sends as much.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxMappingBytes = 120_000
)

// checkLimits checks what depends on the schema as a whole.
func (p *parser) checkLimits(s *Schema) {
	template := 0
	for _, f := range s.Fields {
		if n := len(f.hiveType()); n > maxColumnType {
			p.fail(p.sources[f], "AWS Glue accepts types of %d characters in a column: this one has %d", maxColumnType,
				n)
		}
	}
	for _, c := range s.Columns() {
		template += len(`{"Comment":"","Name":"","Type":""},`) + len(c.Name) + len(c.Type) + len(c.Comment)
	}
	for column, key := range s.KeyMappings() {
		template += len(`"":"",`) + len(column) + len(key)
	}
	most := p.index.most()
	if most <= maxMappingBytes && template+2*most <= maxTemplateBytes {
		return
	}
	mapping, err := json.Marshal(p.index.properties())
	if err != nil {
		p.fail("", "encoding the mapping: %v", err)
	}
	if len(mapping) > maxMappingBytes {
		p.fail("", "the mapping of the search index may have %d bytes, since CloudFormation gives the search setup two of "+
			"them in a request of 256 KB: this one has %d", maxMappingBytes, len(mapping))
	}
	// In the template the mapping is inside a string inside a string.
	if template += len(mapping) + 3*strings.Count(string(mapping), `"`); template > maxTemplateBytes {
		p.fail("", "the columns and the mapping may take %d bytes of the template, which CloudFormation limits to 1 MB: "+
			"they take %d", maxTemplateBytes, template)
	}
}

// glueComment makes one line of at most 255 bytes of a text: Glue accepts neither line ends nor more.
func glueComment(text string) string {
	isBlank := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }
	text = strings.Join(strings.FieldsFunc(text, isBlank), " ")
	if len(text) <= maxComment {
		return text
	}
	const end = "…"
	cut := maxComment - len(end)
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + end
}
