package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"firehose-pipeline/event"
	"firehose-pipeline/local/results"
	"firehose-pipeline/trace"
)

// prepareResults makes the lookers of the results of a local run.
func (t *traceCommand) prepareResults(work *trace.Trace) error {
	outputs, err := readOutputs(results.Path(t.results, results.OutputsFile), "")
	if errors.Is(err, fs.ErrNotExist) {
		return usage("--results: must be the DIR of pipeline local --out (got %s, which has no %s)", t.results,
			results.OutputsFile)
	}
	if err != nil {
		return err
	}
	t.target.fill(outputs)
	work.HasSearch = t.target.search != ""
	if work.DropEventTypes, err = decodeDropTypes(t.target.dropTypes); err != nil {
		return err
	}
	bucket, err := trace.FindBucket(results.Path(t.results, results.ObjectsDir))
	if err != nil {
		return usage("--results: %w", err)
	}
	t.addObjects(work, bucket, filepath.Base(string(bucket)))
	work.Lookers[trace.DeadLetters] = trace.QueueFile{Path: results.Path(t.results, results.QueueFile)}
	if work.HasSearch {
		work.Lookers[trace.Search] = trace.IndexFiles{Dir: results.Path(t.results, results.IndicesDir)}
	} else {
		work.Missing[trace.Search] = "the run had no search (enableOpenSearch)"
	}
	if _, err := os.Stat(results.Path(t.results, results.Incomplete)); err == nil {
		t.screen.printLine("the results are not complete: a run is writing them, or was interrupted")
		work.Buffers[event.Lake], work.Buffers[event.Search] = trace.LongestInterval, trace.LongestInterval
		for name, l := range work.Lookers {
			work.Lookers[name] = trace.Incompletely(l, "a run is writing the results, or was interrupted")
		}
	}
	return nil
}
