package constructs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"firehose-pipeline/functions/searchsetup"
	model "firehose-pipeline/local/template"
	"firehose-pipeline/settings"
)

// The local model accepts every template that the app writes, and rejects ORC with an error: it knows every property of
// the modelled resources, so that it cannot drift from the deployed ones.
func TestTheLocalModelReadsTheTemplate(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, synthesised *template) {
		text, err := json.Marshal(synthesised.cdk.ToJSON())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := model.Parse(text, config.StackName())
		if config.DataFormat == "orc" {
			if err == nil || !strings.Contains(err.Error(), "orc is not modelled") {
				t.Errorf("orc: must be refused (got %v)", err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		streams := 1
		if config.EnableOpenSearch {
			streams = 2
		}
		if len(parsed.Streams) != streams {
			t.Errorf("streams: must be %d (got %d)", streams, len(parsed.Streams))
		}
		for _, stream := range parsed.Streams {
			if (stream.Transform != nil) != config.EnableDataTransformation {
				t.Errorf("%s: must have a transform just when there is one", stream.Name)
			}
		}
		if config.EnableOpenSearch {
			state, err := searchsetup.ParseState(parsed.SearchState)
			if err != nil || state.Index != config.OpenSearchIndex || state.RetentionDays != config.OpenSearchRetentionDays {
				t.Errorf("state of the search setup: must be that of the settings (got %+v, %v)", state, err)
			}
		}
		if lake := parsed.Streams[0].S3; lake.Buffer.Bytes != int64(config.BufferSizeMB)<<20 {
			t.Errorf("buffer of the lake stream: must be %d MiB (got %d bytes)", config.BufferSizeMB, lake.Buffer.Bytes)
		}
	})
}
