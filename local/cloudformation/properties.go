package cloudformation

import (
	"encoding/json"
	"fmt"
	"strconv"

	"firehose-pipeline/local/template"
)

// StreamProperties returns the properties of AWS::KinesisFirehose::DeliveryStream that the model plays, as JSON. It
// leaves out others, such as roles and log groups.
func StreamProperties(s template.Stream) (json.RawMessage, error) {
	p := map[string]any{}
	if d := s.S3; d != nil {
		c := s3Properties(d.S3Output)
		addProcessing(c, s.Transform)
		c["S3BackupMode"] = "Disabled"
		if d.Backup != nil {
			c["S3BackupMode"] = "Enabled"
			c["S3BackupConfiguration"] = s3Properties(*d.Backup)
		}
		if conversion := d.Conversion; conversion != nil {
			input := map[string]any{"CaseInsensitive": !conversion.MatchCase}
			output := map[string]any{"Compression": conversion.Compression}
			c["DataFormatConversionConfiguration"] = map[string]any{
				"Enabled":                   true,
				"InputFormatConfiguration":  map[string]any{"Deserializer": map[string]any{"OpenXJsonSerDe": input}},
				"OutputFormatConfiguration": map[string]any{"Serializer": map[string]any{"ParquetSerDe": output}},
				"SchemaConfiguration": map[string]any{"CatalogId": conversion.CatalogID,
					"DatabaseName": conversion.Database, "TableName": conversion.Table,
					"Region": conversion.Region, "VersionId": conversion.VersionID},
			}
		}
		p["ExtendedS3DestinationConfiguration"] = c
	}
	if d := s.Search; d != nil {
		mode := "FailedDocumentsOnly"
		if d.BackupAll {
			mode = "AllDocuments"
		}
		c := map[string]any{
			"DomainARN":           d.DomainARN,
			"IndexName":           d.Index,
			"IndexRotationPeriod": d.Rotation,
			"BufferingHints":      bufferingHints(d.Buffer),
			"RetryOptions":        map[string]any{"DurationInSeconds": int64(d.RetryDuration.Seconds())},
			"DocumentIdOptions":   map[string]any{"DefaultDocumentIdFormat": d.DocumentID},
			"S3BackupMode":        mode,
			"S3Configuration":     s3Properties(d.S3),
		}
		addProcessing(c, s.Transform)
		p["AmazonopensearchserviceDestinationConfiguration"] = c
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("describing stream %s: %w", s.Name, err)
	}
	return text, nil
}

func s3Properties(o template.S3Output) map[string]any {
	return map[string]any{
		"BucketARN":         "arn:aws:s3:::" + o.Bucket,
		"Prefix":            o.Prefix,
		"ErrorOutputPrefix": o.ErrorOutputPrefix,
		"CompressionFormat": o.Compression,
		"BufferingHints":    bufferingHints(o.Buffer),
	}
}

func bufferingHints(b template.Buffer) map[string]any {
	return map[string]any{"SizeInMBs": b.Bytes >> 20, "IntervalInSeconds": int64(b.Interval.Seconds())}
}

func addProcessing(c map[string]any, p *template.Processor) {
	if p == nil {
		return
	}
	parameter := func(name, value string) any { return map[string]any{"ParameterName": name, "ParameterValue": value} }
	c["ProcessingConfiguration"] = map[string]any{"Enabled": true,
		"Processors": []any{map[string]any{"Type": "Lambda", "Parameters": []any{
			parameter("LambdaArn", p.FunctionARN),
			parameter("NumberOfRetries", strconv.Itoa(p.Retries)),
			parameter("BufferSizeInMBs", strconv.FormatFloat(float64(p.BufferBytes)/(1<<20), 'g', -1, 64)),
			parameter("BufferIntervalInSeconds", strconv.Itoa(int(p.Interval.Seconds()))),
		}}}}
}
