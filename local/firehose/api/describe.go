package api

import (
	"context"
	"encoding/json"
	"strings"

	"firehose-pipeline/local/awsjson"
)

type listOutput struct {
	DeliveryStreamNames    []string
	HasMoreDeliveryStreams bool
}

func (a *API) listDeliveryStreams(_ context.Context, body []byte) (any, *awsjson.Error) {
	in, failed := decodeObject(body)
	if failed != nil {
		return nil, failed
	}
	var after, kind *string
	var limit *int
	for _, failed := range []*awsjson.Error{member(in, "ExclusiveStartDeliveryStreamName", &after),
		member(in, "DeliveryStreamType", &kind), member(in, "Limit", &limit)} {
		if failed != nil {
			return nil, failed
		}
	}
	var problems violations
	problems.checkLimit(limit)
	if kind != nil && *kind != directPut && *kind != kinesisSource && *kind != "MSKAsSource" &&
		*kind != "DatabaseAsSource" {
		problems.addQuoted(*kind, "deliveryStreamType",
			"Member must satisfy enum value set: [DirectPut, KinesisStreamAsSource, MSKAsSource, DatabaseAsSource]")
	}
	if after != nil {
		problems.streamName(after, "exclusiveStartDeliveryStreamName")
	}
	if failed := problems.toError(); failed != nil {
		return nil, failed
	}
	most := 10 // API reference
	if limit != nil {
		most = *limit
	}
	out := listOutput{DeliveryStreamNames: []string{}}
	for _, s := range a.streams {
		if kind != nil && s.Type != *kind || after != nil && s.Name <= *after {
			continue
		}
		if len(out.DeliveryStreamNames) == most {
			out.HasMoreDeliveryStreams = true
			break
		}
		out.DeliveryStreamNames = append(out.DeliveryStreamNames, s.Name)
	}
	return out, nil
}

func (a *API) describeDeliveryStream(_ context.Context, body []byte) (any, *awsjson.Error) {
	in, failed := decodeObject(body)
	if failed != nil {
		return nil, failed
	}
	var name, after *string
	var limit *int
	for _, failed := range []*awsjson.Error{member(in, "DeliveryStreamName", &name),
		member(in, "ExclusiveStartDestinationId", &after), member(in, "Limit", &limit)} {
		if failed != nil {
			return nil, failed
		}
	}
	var problems violations
	problems.streamName(name, "deliveryStreamName")
	problems.checkLimit(limit)
	if after != nil {
		problems.checkText(*after, "exclusiveStartDestinationId", 100, "[a-zA-Z0-9-]+",
			func(c byte) bool { return isAlphanumeric(c) || c == '-' })
	}
	if failed := problems.toError(); failed != nil {
		return nil, failed
	}
	s, failed := a.findStream(*name)
	if failed != nil {
		return nil, failed
	}
	return map[string]any{"DeliveryStreamDescription": s.describeStream(after != nil)}, nil
}

// destinationID is that of a stream's only destination (turbot/steampipe-plugin-aws#769).
const destinationID = "destinationId-000000000001"

func (s *stream) describeStream(afterDestination bool) map[string]any {
	d := map[string]any{
		"DeliveryStreamName":   s.Name,
		"DeliveryStreamARN":    s.ARN,
		"DeliveryStreamStatus": "ACTIVE",
		"DeliveryStreamType":   s.Type,
		"VersionId":            "1",
		"CreateTimestamp":      float64(s.Created.UnixMilli()) / 1000, // AWS JSON 1.1: seconds
		"HasMoreDestinations":  false,
		"Destinations":         []any{},
	}
	if s.Encrypted {
		d["DeliveryStreamEncryptionConfiguration"] = map[string]any{"KeyType": "AWS_OWNED_CMK", "Status": "ENABLED"}
	}
	if s.SourceARN != "" {
		d["Source"] = map[string]any{"KinesisStreamSourceDescription": map[string]any{
			"KinesisStreamARN":       s.SourceARN,
			"DeliveryStartTimestamp": d["CreateTimestamp"],
		}}
	}
	if !afterDestination {
		d["Destinations"] = []any{s.describeDestination()}
	}
	return d
}

// describeDestination makes the API's description from the CloudFormation properties, whose names differ in their
// endings.
func (s *stream) describeDestination() map[string]any {
	destination := map[string]any{"DestinationId": destinationID}
	if len(s.Properties) == 0 {
		return destination
	}
	var properties map[string]any
	if err := json.Unmarshal(s.Properties, &properties); err != nil {
		panic(err) // New has checked it
	}
	for name, value := range properties {
		if kind, ok := strings.CutSuffix(name, "DestinationConfiguration"); ok {
			destination[kind+"DestinationDescription"] = describeValue(value, strings.Contains(kind, "S3"))
		}
	}
	return destination
}

var described = map[string]string{
	"S3Configuration":       "S3DestinationDescription",
	"S3BackupConfiguration": "S3BackupDescription",
	"VpcConfiguration":      "VpcConfigurationDescription",
}

func describeValue(value any, s3 bool) any {
	configuration, ok := value.(map[string]any)
	if !ok {
		return value
	}
	d := map[string]any{}
	if s3 { // members that the API always gives
		d["CompressionFormat"] = "UNCOMPRESSED"
		d["EncryptionConfiguration"] = map[string]any{"NoEncryptionConfig": "NoEncryption"}
	}
	for name, value := range configuration {
		if renamed, ok := described[name]; ok {
			d[renamed] = describeValue(value, name != "VpcConfiguration")
			continue
		}
		d[name] = value
	}
	return d
}
