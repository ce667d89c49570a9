package main

import (
	"encoding/json"
	"os"

	"firehose-pipeline/local"
	"firehose-pipeline/local/endpoint"
	"firehose-pipeline/local/results"
)

// writeOutputs writes the stack's outputs beside the results, for pipeline trace.
func writeOutputs(p *local.Pipeline, o local.Options) error {
	all, err := endpoint.Outputs(p, o.Template)
	if err != nil {
		return err
	}
	outputs := map[string]string{}
	for _, output := range all {
		outputs[output.OutputKey] = output.OutputValue
	}
	text, err := json.MarshalIndent(map[string]any{o.StackName: outputs}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(results.Path(o.Out, results.OutputsFile), append(text, '\n'), 0o600)
}
