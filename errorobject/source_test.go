package errorobject_test

import (
	"testing"

	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

func TestKeysNameStreamAndStage(t *testing.T) {
	for key, want := range map[string]errorobject.Source{
		"error-data/lake/processing-failed/year=2026/o": {Stream: event.Lake,
			Stage: errorobject.Transform},
		"error-data/lake/format-conversion-failed/o": {Stream: event.Lake,
			Stage: errorobject.Conversion},
		"error-data/search/AmazonOpenSearchService-failed/o": {Stream: event.Search,
			Stage: errorobject.Search},
		"error-data/search/AmazonOpenSearchService_failed/o": {Stream: event.Search,
			Stage: errorobject.Search},
		"error-data/search/elasticsearch-failed/o": {Stream: event.Search,
			Stage: errorobject.Search},
		"error-data/search/o": {Stream: event.Search,
			Stage: errorobject.UnknownStage},
		"error-data/lake/": {Stream: event.Lake,
			Stage: errorobject.UnknownStage},
		"error-data/other/processing-failed/o": {Stream: errorobject.UnknownStream,
			Stage: errorobject.UnknownStage},
		"error-data/lake": {Stream: errorobject.UnknownStream,
			Stage: errorobject.UnknownStage},
		"source-data/error-data/lake/processing-failed/year=2026/o.x": {Stream: errorobject.UnknownStream,
			Stage: errorobject.UnknownStage},
	} {
		want.Bucket, want.Key, want.VersionID = "b", key, "v"
		got, ok := errorobject.NewSource("error-data/", "b", key, "v")
		if got != want || ok != (want.Stream != errorobject.UnknownStream) {
			t.Errorf("%s: %+v, %v", key, got, ok)
		}
	}
}
