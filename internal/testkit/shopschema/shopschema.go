// Package shopschema has the event schema of the shop that the test data comes from, so that tests know what they
// expect although the repository's own event-schema.json may have been changed since. Only tests import it.
package shopschema

import (
	_ "embed"
	"os"
	"path/filepath"

	"firehose-pipeline/schema"
)

// JSON is the text of the schema file.
//
//go:embed event-schema.json
var JSON []byte

// Load returns the parsed schema, a new one each time.
func Load() *schema.Schema {
	s, err := schema.Parse(JSON)
	if err != nil {
		panic(err)
	}
	return s
}

// Write writes the schema file into the folder of a function.
func Write(dir string) error {
	return os.WriteFile(filepath.Join(dir, schema.FileName), JSON, 0o644)
}
