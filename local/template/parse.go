package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firehose-pipeline/event"
)

// Parse reads the template of one stack. It names the resource in every error; an unknown property of a modelled
// resource is one, and so is anything that AWS would reject when it creates the stream.
func Parse(template []byte, stackName string) (*Config, error) {
	c, err := parseTemplate(template, stackName)
	if err != nil {
		return nil, fmt.Errorf("reading template: %w", err)
	}
	return c, nil
}

func parseTemplate(template []byte, stackName string) (*Config, error) {
	var t struct {
		Resources  map[string]resource
		Parameters map[string]struct{ Default any }
	}
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, err
	}
	if stackName == "" {
		return nil, errors.New("stack name: must not be empty")
	}
	p := &parser{resolver{stackName, t.Resources, t.Parameters}}
	c := &Config{StackName: stackName}
	var err error
	if c.Queue, err = p.parseQueue(); err != nil {
		return nil, err
	}
	if c.Bucket, c.ErrorHandler, err = p.parseBucket(c.Queue); err != nil {
		return nil, err
	}
	for _, id := range p.resourcesOf("AWS::KinesisFirehose::DeliveryStream") {
		s, err := p.parseStream(id, c.Bucket)
		if err != nil {
			return nil, err
		}
		c.Streams = append(c.Streams, s)
	}
	slices.SortFunc(c.Streams, func(a, b Stream) int { return cmp.Compare(a.Kind, b.Kind) })
	for i, s := range c.Streams {
		if i > 0 && s.Kind == c.Streams[i-1].Kind {
			return nil, fmt.Errorf("%s: a second %s stream is not modelled", s.LogicalID, s.Kind)
		}
	}
	if len(c.Streams) == 0 || c.Streams[0].Kind != event.Lake {
		return nil, errors.New("no delivery stream to s3")
	}
	if c.DataStream, err = sharedSource(c.Streams); err != nil {
		return nil, err
	}
	if c.SearchState, err = p.searchState(); err != nil {
		return nil, err
	}
	if c.SearchVersion, err = p.searchVersion(); err != nil {
		return nil, err
	}
	c.API, err = p.parseAPI()
	return c, err
}

// sharedSource returns the data stream that feeds all streams, nil when it feeds none.
func sharedSource(streams []Stream) (*DataStream, error) {
	first := streams[0].Source
	for _, s := range streams[1:] {
		if (s.Source == nil) != (first == nil) || first != nil && s.Source.LogicalID != first.LogicalID {
			return nil, fmt.Errorf("%s: streams of different sources are not modelled", s.LogicalID)
		}
	}
	return first, nil
}

// searchState reads the custom resource that sets up the search domain.
func (p *parser) searchState() (string, error) {
	ids := p.resourcesOf("Custom::SearchSetup")
	if len(ids) == 0 {
		return "", nil
	}
	var c struct{ State string }
	if err := p.decodeProperties(ids[0], &c, false); err != nil {
		return "", err
	}
	if len(ids) > 1 || c.State == "" {
		return "", fmt.Errorf("%s: must be one resource with a State (got %d, %q)", ids[0], len(ids), c.State)
	}
	return c.State, nil
}

// searchVersion reads the version of the search domain's engine.
func (p *parser) searchVersion() (string, error) {
	ids := p.resourcesOf("AWS::OpenSearchService::Domain")
	if len(ids) == 0 {
		return "", nil
	}
	var d struct{ EngineVersion string }
	if err := p.decodeProperties(ids[0], &d, false); err != nil {
		return "", err
	}
	version, ok := strings.CutPrefix(d.EngineVersion, "OpenSearch_")
	if len(ids) > 1 || !ok && d.EngineVersion != "" {
		return "", fmt.Errorf("%s: must be one domain with an engine OpenSearch_<version> (got %d, %q)", ids[0],
			len(ids), d.EngineVersion)
	}
	return version, nil
}

type parser struct{ resolver }

// resourcesOf returns the logical ids of the resources of a type, sorted.
func (p *parser) resourcesOf(kind string) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for id := range maps.Keys(p.resources) {
			if p.resources[id].Type == kind && !yield(id) {
				return
			}
		}
	})
}

// onlyResource returns the one resource of a type.
func (p *parser) onlyResource(kind string) (string, error) {
	ids := p.resourcesOf(kind)
	if len(ids) != 1 {
		return "", fmt.Errorf("%s: must be one (got %d)", kind, len(ids))
	}
	return ids[0], nil
}

// decodeResource reads the resource's properties, each of which must be known.
func (p *parser) decodeResource(id string, into any) error {
	return p.decodeProperties(id, into, true)
}

func (p *parser) decodeProperties(id string, into any, strict bool) error {
	r := p.resources[id]
	if r.Condition != "" {
		return fmt.Errorf("%s (%s): conditions are not modelled (got %s)", id, r.Type, r.Condition)
	}
	resolved, err := p.resolveValue(r.Properties)
	if err == nil {
		var written []byte
		if written, err = json.Marshal(resolved); err == nil {
			decoder := json.NewDecoder(bytes.NewReader(written))
			if strict {
				decoder.DisallowUnknownFields()
			}
			err = decoder.Decode(into)
		}
	}
	if err != nil {
		return fmt.Errorf("%s (%s): %w", id, r.Type, err)
	}
	return nil
}

// byARN finds the resource of a type that has this ARN.
func (p *parser) byARN(kind, arn string) (string, error) {
	for _, id := range p.resourcesOf(kind) {
		if own, err := p.resolveAttribute(id, "Arn"); err == nil && own == arn {
			return id, nil
		}
	}
	return "", fmt.Errorf("no %s %q in the template", kind, arn)
}

func (p *parser) parseQueue() (Queue, error) {
	id, err := p.onlyResource("AWS::SQS::Queue")
	if err != nil {
		return Queue{}, err
	}
	var q queueProperties
	if err := p.decodeResource(id, &q); err != nil {
		return Queue{}, err
	}
	name, err := p.physicalName(id)
	if err != nil {
		return Queue{}, err
	}
	visibility := 30
	if q.VisibilityTimeout != nil {
		visibility = *q.VisibilityTimeout
	}
	return Queue{id, name, fmt.Sprintf(arnFormats["AWS::SQS::Queue"], name), time.Duration(visibility) * time.Second},
		nil
}

// parseBucket reads the bucket and the function that it notifies.
func (p *parser) parseBucket(queue Queue) (Bucket, Function, error) {
	var b Bucket
	var handler Function
	id, err := p.onlyResource("AWS::S3::Bucket")
	if err != nil {
		return b, handler, err
	}
	var properties bucketProperties
	if err := p.decodeResource(id, &properties); err != nil {
		return b, handler, err
	}
	name, err := p.physicalName(id)
	if err != nil {
		return b, handler, err
	}
	b = Bucket{LogicalID: id, Name: name, ARN: "arn:aws:s3:::" + name,
		Versioned: properties.VersioningConfiguration.Status == "Enabled"}
	for _, n := range properties.NotificationConfiguration.LambdaConfigurations {
		f, err := p.parseFunction(n.Function)
		if err != nil {
			return b, handler, fmt.Errorf("%s: notification: %w", id, err)
		}
		if handler.LogicalID != "" && handler.LogicalID != f.LogicalID {
			return b, handler, fmt.Errorf("%s: notifications to several functions are not modelled (got %s and %s)", id,
				handler.Name, f.Name)
		}
		handler = f
		notification, err := p.parseAsynchronous(f, queue)
		if err != nil {
			return b, handler, err
		}
		if !strings.HasPrefix(n.Event, "s3:ObjectCreated:") {
			return b, handler, fmt.Errorf("%s: notification: event %s is not modelled", id, n.Event)
		}
		notification.Event = n.Event
		for _, rule := range n.Filter.S3Key.Rules {
			switch strings.ToLower(rule.Name) {
			case "prefix":
				notification.Prefix = rule.Value
			case "suffix":
				notification.Suffix = rule.Value
			default:
				return b, handler, fmt.Errorf("%s: notification: filter rule must be prefix or suffix (got %s)", id,
					rule.Name)
			}
		}
		b.Notifications = append(b.Notifications, notification)
	}
	if len(b.Notifications) == 0 {
		return b, handler, fmt.Errorf("%s: notifies no function", id)
	}
	return b, handler, nil
}

// parseAsynchronous reads how the function's asynchronous invocations are retried. Without a configuration Lambda tries
// twice more and records nothing.
func (p *parser) parseAsynchronous(f Function, queue Queue) (Notification, error) {
	n := Notification{Retries: 2}
	for _, id := range p.resourcesOf("AWS::Lambda::EventInvokeConfig") {
		var c invokeProperties
		if err := p.decodeResource(id, &c); err != nil {
			return n, err
		}
		if c.FunctionName != f.Name {
			continue
		}
		if c.Qualifier != "$LATEST" {
			return n, fmt.Errorf("%s: qualifier: only $LATEST is modelled (got %s)", id, c.Qualifier)
		}
		if c.MaximumRetryAttempts != nil {
			n.Retries = *c.MaximumRetryAttempts
		}
		if d := c.DestinationConfig.OnFailure; d != nil {
			if d.Destination != queue.ARN {
				return n, fmt.Errorf("%s: on-failure destination: must be %s (got %s)", id, queue.ARN, d.Destination)
			}
			n.OnFailure = true
		}
	}
	return n, nil
}

func (p *parser) parseFunction(arn string) (Function, error) {
	id, err := p.byARN("AWS::Lambda::Function", arn)
	if err != nil {
		return Function{}, err
	}
	var properties functionProperties
	if err := p.decodeResource(id, &properties); err != nil {
		return Function{}, err
	}
	name, err := p.physicalName(id)
	if err != nil {
		return Function{}, err
	}
	if properties.Runtime != "provided.al2023" {
		return Function{}, fmt.Errorf("%s: runtime: must be provided.al2023 (got %s)", id, properties.Runtime)
	}
	f := Function{
		LogicalID: id, Name: name, ARN: arn, Handler: properties.Handler,
		MemoryMB:            cmp.Or(properties.MemorySize, 128),
		Timeout:             time.Duration(cmp.Or(properties.Timeout, 3)) * time.Second,
		ReservedConcurrency: properties.ReservedConcurrentExecutions,
		LogGroup:            cmp.Or(properties.LoggingConfig.LogGroup, "/aws/lambda/"+name),
		Environment:         properties.Environment.Variables,
	}
	return f, nil
}
