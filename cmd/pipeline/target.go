package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/pflag"

	"firehose-pipeline/contract"
)

// target has the names of the stack's parts, from its outputs or from flags.
type target struct {
	stack, outputs                    string
	data, lake, search, queue, bucket string
	// Only pipeline trace needs these.
	table, workGroup, endpoint, indices, dropTypes string
}

func (t *target) addFlags(f *pflag.FlagSet) {
	f.StringVar(&t.stack, "stack", "", "`NAME` of the stack, whose outputs name the rest")
	f.StringVar(&t.outputs, "outputs", "", "`FILE` written by cdk deploy --outputs-file, read instead of asking "+
		"CloudFormation")
	f.StringVar(&t.data, "data-stream", "", "`NAME` of the data stream that feeds both, with ingestion kinesis")
	f.StringVar(&t.lake, "lake-stream", "", "`NAME` of the lake stream")
	f.StringVar(&t.search, "search-stream", "", "`NAME` of the search stream")
}

// queueFlags are for commands that read failed records.
func (t *target) queueFlags(f *pflag.FlagSet) {
	f.StringVar(&t.queue, "queue-url", "", "`URL` of the dead-letter queue")
	f.StringVar(&t.bucket, "bucket", "", "`NAME` of the lake's bucket: dead letters are followed to error objects "+
		"in this bucket only")
}

// traceFlags are for the command that reads the stores.
func (t *target) traceFlags(f *pflag.FlagSet) {
	f.StringVar(&t.table, "table", "", "`DATABASE.TABLE` of the lake")
	f.StringVar(&t.workGroup, "work-group", "", "`NAME` of the Athena workgroup that queries the lake. Without one, the "+
		"lake's objects are read one by one")
	f.StringVar(&t.endpoint, "search-endpoint", "", "`URL` of the search domain")
	f.StringVar(&t.indices, "index-pattern", "", "`PATTERN` of the names of the indices, such as realtime-events-2*")
}

// stackDescriber is what finding a stack's outputs needs of CloudFormation.
type stackDescriber interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput,
		...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// connectToStack loads the AWS configuration and resolves the target. A file of outputs is read even when the
// configuration is not complete, so that both problems are reported at once.
func (t *target) connectToStack(ctx context.Context, a *account) (aws.Config, error) {
	config, err := a.loadConfig(ctx)
	if t.outputs != "" {
		return config, errors.Join(t.resolveNames(ctx, nil), err)
	}
	if err != nil {
		return config, err
	}
	return config, t.resolveNames(ctx, cloudFormationClient(config))
}

// resolveNames fills in names that no flag gives. A part that the stack does not have stays empty.
func (t *target) resolveNames(ctx context.Context, stacks stackDescriber) error {
	var outputs map[string]string
	var err error
	switch {
	case t.outputs != "":
		outputs, err = readOutputs(t.outputs, t.stack)
	case t.stack != "":
		outputs, err = describeOutputs(ctx, stacks, t.stack)
	}
	if err != nil {
		return err
	}
	t.fill(outputs)
	return nil
}

// fill fills in names that no flag gives from the stack's outputs.
func (t *target) fill(outputs map[string]string) {
	for name, part := range map[string]*string{contract.OutputDataStream: &t.data, contract.OutputLakeStream: &t.lake,
		contract.OutputSearchStream: &t.search, contract.OutputDeadLetterQueue: &t.queue,
		contract.OutputBucket: &t.bucket, contract.OutputGlueTable: &t.table, contract.OutputAthenaWorkGroup: &t.workGroup,
		contract.OutputSearchEndpoint: &t.endpoint, contract.OutputSearchIndices: &t.indices,
		contract.OutputDropEventTypes: &t.dropTypes} {
		if *part == "" {
			*part = outputs[name]
		}
	}
}

// fromOutputs reports whether the stack's outputs name its parts, so that a part without a name does not exist.
func (t *target) fromOutputs() bool { return t.stack != "" || t.outputs != "" }

// readOutputs reads the outputs of one stack from a file of several.
func readOutputs(path, stack string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("--outputs: %w", err)
	}
	var stacks map[string]map[string]string
	if err := json.Unmarshal(text, &stacks); err != nil {
		return nil, usage("--outputs: %s: must be a file that cdk deploy --outputs-file wrote: %w", path, err)
	}
	names := slices.Sorted(maps.Keys(stacks))
	if stack == "" {
		if len(names) != 1 {
			return nil, usage("--stack: must be set to one of the stacks in %s: %s", path, strings.Join(names, ", "))
		}
		stack = names[0]
	}
	outputs, ok := stacks[stack]
	if !ok {
		return nil, usage("--stack: must be one of the stacks in %s: %s (got %q)", path, strings.Join(names, ", "),
			stack)
	}
	return outputs, nil
}

func describeOutputs(ctx context.Context, stacks stackDescriber, stack string) (map[string]string, error) {
	described, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("asking for the outputs of stack %s: %w", stack, err)
	}
	outputs := map[string]string{}
	for _, s := range described.Stacks {
		for _, o := range s.Outputs {
			outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	return outputs, nil
}
