// Command firehose-pipeline is the AWS CDK app: it reads the settings, builds the functions and writes the
// CloudFormation template of one stack. It is run by `cdk synth`, `cdk deploy` and `cdk destroy`, never by hand.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/constructs"
	"firehose-pipeline/internal/cdkenv"
	"firehose-pipeline/internal/functionbuild"
	"firehose-pipeline/schema"
	"firehose-pipeline/settings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run checks the settings and builds the functions before the CDK is touched: the CDK reports a mistake as a panic.
func run(ctx context.Context, stderr io.Writer) (err error) {
	config, notes, err := settings.FromEnvironment()
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(stderr, "note:", note)
	}
	text, err := os.ReadFile(config.EventSchema)
	if err != nil {
		return fmt.Errorf("eventSchema: reading event schema: %w", err)
	}
	events, err := schema.Parse(text)
	if err != nil {
		return fmt.Errorf("eventSchema: %s: %w", config.EventSchema, err)
	}
	functions, remove, err := prepareFunctions(ctx, text, stderr)
	if err != nil {
		return err
	}
	defer remove()
	defer jsii.Close()
	defer func() {
		// If the CDK rejects settings that passed the checks above, it panics; the stack trace would not help.
		if problem := recover(); problem != nil {
			err = fmt.Errorf("synthesising the stack: %v", problem)
		}
	}()
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	addValidators(app, cdkenv.Wish, ".build/validated", stderr)
	NewPipelineStack(app, config, events, functions)
	app.Synth(nil)
	return nil
}

// prepareFunctions builds the functions for Lambda. For the local model, which has builds of its own, it only names
// them; the CDK's command line, which could deploy that, sets a variable with its version.
func prepareFunctions(ctx context.Context, eventSchema []byte, progress io.Writer) (
	functions map[string]constructs.FunctionAsset, remove func(), err error) {
	if os.Getenv(functionbuild.TemplateOnly) != "true" {
		functions, err = constructs.BuildFunctions(ctx, ".", ".build/functions", eventSchema, progress)
		return functions, func() {}, err
	}
	if os.Getenv("CDK_CLI_VERSION") != "" {
		return nil, nil, fmt.Errorf("%s: must not be set for the CDK's command line: the functions would be missing",
			functionbuild.TemplateOnly)
	}
	dir, err := os.MkdirTemp("", "firehose-pipeline-functions-")
	if err != nil {
		return nil, nil, fmt.Errorf("naming the functions: %w", err)
	}
	remove = func() { _ = os.Remove(dir) } // an empty folder of the temporary ones
	if functions, err = constructs.NameFunctions(ctx, ".", dir, eventSchema); err != nil {
		remove()
		return nil, nil, err
	}
	return functions, remove, nil
}

// NewPipelineStack makes the stack, with the pipeline in it.
func NewPipelineStack(
	app awscdk.App,
	config settings.Settings,
	events *schema.Schema,
	functions map[string]constructs.FunctionAsset,
) awscdk.Stack {
	name := config.StackName()
	stack := awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{
		StackName:             jsii.String(name),
		Description:           jsii.String("Events through Amazon Data Firehose to a data lake in S3 and a search domain"),
		TerminationProtection: jsii.Bool(config.TerminationProtection),
	})
	stack.TemplateOptions().SetMetadata(&map[string]any{"EventSchema": config.EventSchema})
	awscdk.Tags_Of(stack).Add(jsii.String("pipeline"), jsii.String(name), nil)
	awscdk.Tags_Of(stack).Add(jsii.String("environment"), jsii.String(config.Environment), nil)
	// The CDK leaves this id out of logical ids. Another one would be another logical id of every resource: a new
	// pipeline in the place of the old one.
	constructs.NewPipeline(stack, "Default", constructs.PipelineProps{Settings: config, Schema: events,
		Functions: functions})
	return stack
}
