package template

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"firehose-pipeline/event"
)

func (p *parser) parseStream(id string, bucket Bucket) (Stream, error) {
	var properties streamProperties
	if err := p.decodeResource(id, &properties); err != nil {
		return Stream{}, err
	}
	s, err := p.deliveryStream(id, properties, bucket)
	if err != nil {
		return s, fmt.Errorf("%s: %w", id, err)
	}
	return s, nil
}

func (p *parser) deliveryStream(id string, properties streamProperties, bucket Bucket) (Stream, error) {
	name, err := p.physicalName(id)
	if err != nil {
		return Stream{}, err
	}
	s := Stream{LogicalID: id, Name: name, ARN: fmt.Sprintf(arnFormats["AWS::KinesisFirehose::DeliveryStream"], name),
		Type: cmp.Or(properties.DeliveryStreamType, "DirectPut")}
	if s.Source, err = p.parseSource(s.Type, properties); err != nil {
		return s, err
	}
	toS3, toSearch := properties.ExtendedS3DestinationConfiguration,
		properties.AmazonopensearchserviceDestinationConfiguration
	switch {
	case toS3 != nil && toSearch != nil || toS3 == nil && toSearch == nil:
		return s, errors.New("a stream has exactly one destination")
	case toS3 != nil:
		s.Kind = event.Lake
		if s.Transform, err = p.parseProcessing(toS3.ProcessingConfiguration); err == nil {
			s.S3, err = p.s3Destination(toS3, bucket)
		}
	default:
		s.Kind = event.Search
		if s.Transform, err = p.parseProcessing(toSearch.ProcessingConfiguration); err == nil {
			s.Search, err = searchDestination(toSearch, bucket)
		}
	}
	return s, err
}

// parseSource reads the data stream that feeds the stream; nil when producers put records to the stream itself.
func (p *parser) parseSource(kind string, properties streamProperties) (*DataStream, error) {
	source := properties.KinesisStreamSourceConfiguration
	switch {
	case kind != "DirectPut" && kind != "KinesisStreamAsSource":
		return nil, fmt.Errorf("delivery stream type: only DirectPut and KinesisStreamAsSource are modelled (got %s)",
			kind)
	case (source != nil) != (kind == "KinesisStreamAsSource"):
		return nil, errors.New("delivery stream type: must be KinesisStreamAsSource with " +
			"KinesisStreamSourceConfiguration, and only then")
	case source == nil:
		return nil, nil
	case properties.DeliveryStreamEncryptionConfigurationInput != nil:
		return nil, errors.New("encryption: must be the data stream's with a Kinesis source")
	}
	id, err := p.byARN("AWS::Kinesis::Stream", source.KinesisStreamARN)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	return p.parseDataStream(id)
}

// parseDataStream reads a data stream. Its defaults are Kinesis' own.
func (p *parser) parseDataStream(id string) (*DataStream, error) {
	var properties dataStreamProperties
	if err := p.decodeResource(id, &properties); err != nil {
		return nil, err
	}
	name, err := p.physicalName(id)
	if err != nil {
		return nil, err
	}
	if mode := properties.StreamModeDetails; mode == nil || mode.StreamMode != "ON_DEMAND" {
		return nil, fmt.Errorf("%s: stream mode: only ON_DEMAND is modelled", id)
	}
	hours, kib := cmp.Or(properties.RetentionPeriodHours, 24), cmp.Or(properties.MaxRecordSizeInKiB, 1024)
	if hours < 24 || hours > 8760 {
		return nil, fmt.Errorf("%s: retention: must be 24 to 8760 hours (got %d)", id, hours)
	}
	if kib != 1024 {
		return nil, fmt.Errorf("%s: record size: only 1024 KiB is modelled (got %d)", id, kib)
	}
	encryption := properties.StreamEncryption
	if encryption != nil && encryption.EncryptionType != "KMS" {
		return nil, fmt.Errorf("%s: encryption type: must be KMS (got %s)", id, encryption.EncryptionType)
	}
	return &DataStream{LogicalID: id, Name: name, ARN: fmt.Sprintf(arnFormats["AWS::Kinesis::Stream"], name),
		Retention: time.Duration(hours) * time.Hour, RecordBytes: kib << 10, Encrypted: encryption != nil}, nil
}

// parseProcessing reads the Lambda processor; nil when there is none, or it is not enabled: for processors that is the
// default.
func (p *parser) parseProcessing(c *processingProperties) (*Processor, error) {
	if c == nil || c.Enabled == nil || !*c.Enabled {
		return nil, nil
	}
	if len(c.Processors) != 1 || c.Processors[0].Type != "Lambda" {
		return nil, errors.New("processors: only one, of type Lambda, is modelled")
	}
	// Defaults of the Developer Guide, "Transform source data".
	processor := &Processor{Retries: 3, BufferBytes: 1 << 20, Interval: 60 * time.Second}
	for _, parameter := range c.Processors[0].Parameters {
		if err := processor.setParameter(parameter.ParameterName, parameter.ParameterValue); err != nil {
			return nil, fmt.Errorf("processor: %s: %w (got %q)", parameter.ParameterName, err, parameter.ParameterValue)
		}
	}
	if processor.FunctionARN == "" {
		return nil, errors.New("processor: LambdaArn: required")
	}
	f, err := p.parseFunction(strings.TrimSuffix(processor.FunctionARN, ":$LATEST"))
	if err != nil {
		return nil, fmt.Errorf("processor: %w", err)
	}
	processor.Function = f
	return processor, nil
}

func (p *Processor) setParameter(name, value string) error {
	switch name {
	case "LambdaArn":
		p.FunctionARN = value
	case "RoleArn": // the model has no permissions
	case "NumberOfRetries":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 300 {
			return errors.New("must be 0 to 300")
		}
		p.Retries = n
	case "BufferSizeInMBs":
		mb, err := strconv.ParseFloat(value, 64)
		if err != nil || mb < 0.2 || mb > 3 {
			return errors.New("must be 0.2 to 3")
		}
		p.BufferBytes = int(mb * (1 << 20))
	case "BufferIntervalInSeconds":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 900 {
			return errors.New("must be 0 to 900")
		}
		p.Interval = time.Duration(n) * time.Second
	default:
		return errors.New("unknown parameter")
	}
	return nil
}

func (p *parser) s3Destination(c *extendedS3Properties, bucket Bucket) (*S3Destination, error) {
	conversion, err := p.parseConversion(c.DataFormatConversionConfiguration)
	if err != nil {
		return nil, fmt.Errorf("format conversion: %w", err)
	}
	defaults := hints{minMB: 1, maxMB: 128, sizeMB: 5, seconds: 300}
	if conversion != nil {
		// https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
		defaults = hints{minMB: 64, maxMB: 128, sizeMB: 128, seconds: 300}
	}
	out, err := s3Output(&c.s3Properties, bucket, defaults)
	if err != nil {
		return nil, err
	}
	d := &S3Destination{S3Output: out, Conversion: conversion}
	if conversion != nil && d.Compression != "UNCOMPRESSED" {
		return nil, fmt.Errorf("compression format: must be UNCOMPRESSED with format conversion (got %s)",
			d.Compression)
	}
	d.Extension = c.FileExtension
	if c.CustomTimeZone != "" {
		if d.TimeZone, err = time.LoadLocation(c.CustomTimeZone); err != nil {
			return nil, fmt.Errorf("custom time zone: %w", err)
		}
	}
	switch mode := cmp.Or(c.S3BackupMode, "Disabled"); {
	case mode == "Enabled" && c.S3BackupConfiguration == nil:
		return nil, errors.New("backup: S3BackupConfiguration is required when the mode is Enabled")
	case mode == "Enabled":
		backup, err := s3Output(c.S3BackupConfiguration, bucket, backupHints)
		if err != nil {
			return nil, fmt.Errorf("backup: %w", err)
		}
		backup.TimeZone = d.TimeZone
		d.Backup = &backup
	case mode != "Disabled":
		return nil, fmt.Errorf("backup mode: must be Disabled or Enabled (got %s)", mode)
	}
	return d, nil
}

// hints are the range and the defaults of buffering hints.
// https://docs.aws.amazon.com/firehose/latest/dev/buffering-hints.html
type hints struct {
	minMB, maxMB, minSeconds int64
	sizeMB, seconds          int64
}

var (
	backupHints = hints{minMB: 1, maxMB: 128, minSeconds: 60, sizeMB: 5, seconds: 300}
	searchHints = hints{minMB: 1, maxMB: 100, sizeMB: 5, seconds: 300}
)

func (h hints) parseBuffer(given *hintProperties) (Buffer, error) {
	if given != nil {
		if given.SizeInMBs == nil || given.IntervalInSeconds == nil {
			return Buffer{}, errors.New("buffering hints: both size and interval are required, or neither")
		}
		h.sizeMB, h.seconds = *given.SizeInMBs, *given.IntervalInSeconds
	}
	if h.sizeMB < h.minMB || h.sizeMB > h.maxMB {
		return Buffer{}, fmt.Errorf("buffering hints: size must be %d to %d MB (got %d)", h.minMB, h.maxMB, h.sizeMB)
	}
	if h.seconds < h.minSeconds || h.seconds > 900 {
		return Buffer{}, fmt.Errorf("buffering hints: interval must be %d to 900 s (got %d)", h.minSeconds, h.seconds)
	}
	return Buffer{h.sizeMB << 20, time.Duration(h.seconds) * time.Second}, nil
}

func s3Output(c *s3Properties, bucket Bucket, defaults hints) (S3Output, error) {
	if c == nil {
		return S3Output{}, errors.New("s3 configuration: required")
	}
	if c.BucketARN != bucket.ARN {
		return S3Output{}, fmt.Errorf("bucket: must be %s (got %s)", bucket.ARN, c.BucketARN)
	}
	buffer, err := defaults.parseBuffer(c.BufferingHints)
	if err != nil {
		return S3Output{}, err
	}
	out := S3Output{Bucket: bucket.Name, Prefix: c.Prefix, ErrorOutputPrefix: c.ErrorOutputPrefix,
		Compression: cmp.Or(c.CompressionFormat, "UNCOMPRESSED"), TimeZone: time.UTC, Buffer: buffer}
	if out.Compression != "UNCOMPRESSED" && out.Compression != "GZIP" {
		return out, fmt.Errorf("compression format: only UNCOMPRESSED and GZIP are modelled (got %s)", out.Compression)
	}
	return out, checkPrefixes(out.Prefix, out.ErrorOutputPrefix)
}

// checkPrefixes rejects prefixes that Firehose rejects.
// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
func checkPrefixes(prefix, errorPrefix string) error {
	const errorType = "!{firehose:error-output-type}"
	switch {
	case len(prefix) > 1024 || len(errorPrefix) > 1024:
		return errors.New("prefix: must be at most 1024 characters")
	case strings.Contains(prefix, errorType):
		return fmt.Errorf("prefix: must not have %s", errorType)
	case strings.Contains(prefix, "!{partitionKeyFrom"):
		return errors.New("prefix: dynamic partitioning is not modelled")
	case strings.Contains(prefix, "!{") && errorPrefix == "":
		return errors.New("error output prefix: required when the prefix has an expression")
	case strings.Contains(errorPrefix, "!{") && !strings.Contains(errorPrefix, errorType):
		return fmt.Errorf("error output prefix: must have %s when it has an expression", errorType)
	}
	return nil
}

func (p *parser) parseConversion(c *conversionProperties) (*Conversion, error) {
	if c == nil || c.Enabled != nil && !*c.Enabled {
		return nil, nil
	}
	if c.InputFormatConfiguration == nil || c.InputFormatConfiguration.Deserializer == nil ||
		c.OutputFormatConfiguration == nil || c.OutputFormatConfiguration.Serializer == nil ||
		c.SchemaConfiguration == nil {
		return nil, errors.New("input format, output format and schema are all required")
	}
	in, out, schema := c.InputFormatConfiguration.Deserializer, c.OutputFormatConfiguration.Serializer,
		c.SchemaConfiguration
	switch {
	case out.OrcSerDe != nil && out.ParquetSerDe == nil:
		return nil, errors.New("orc is not modelled: run with dataFormat parquet or json")
	case out.ParquetSerDe == nil || out.OrcSerDe != nil:
		return nil, errors.New("serializer: exactly one is required")
	case in.OpenXJsonSerDe == nil || in.HiveJsonSerDe != nil:
		return nil, errors.New("deserializer: only OpenXJsonSerDe is modelled")
	}
	matchCase, keys, err := readOpenX(in.OpenXJsonSerDe)
	if err != nil {
		return nil, err
	}
	conversion := &Conversion{
		Compression: cmp.Or(out.ParquetSerDe.Compression, "SNAPPY"), MatchCase: matchCase, Keys: keys,
		CatalogID: cmp.Or(schema.CatalogId, AccountID), Database: schema.DatabaseName, Table: schema.TableName,
		Region: cmp.Or(schema.Region, Region), VersionID: cmp.Or(schema.VersionId, "LATEST"),
	}
	for _, id := range p.resourcesOf("AWS::Glue::Table") {
		var table tableProperties
		if err := p.decodeProperties(id, &table, false); err != nil {
			return nil, err
		}
		if table.DatabaseName != schema.DatabaseName || table.TableInput.Name != schema.TableName {
			continue
		}
		for _, column := range table.TableInput.StorageDescriptor.Columns {
			conversion.Columns = append(conversion.Columns,
				newColumn(column.Name, column.Type, column.Comment))
		}
		return conversion, nil
	}
	// Firehose looks for the table when the stream is created (probed).
	return nil, fmt.Errorf("schema: table %s.%s is not in the template", schema.DatabaseName, schema.TableName)
}

// readOpenX reads the options of the deserializer.
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_OpenXJsonSerDe.html
func readOpenX(options map[string]any) (matchCase bool, keys map[string]string, err error) {
	for name, value := range options {
		switch name {
		case "CaseInsensitive":
			insensitive, ok := value.(bool)
			if !ok {
				return false, nil, fmt.Errorf("deserializer: CaseInsensitive must be true or false (got %v)", value)
			}
			matchCase = !insensitive
		case "ColumnToJsonKeyMappings":
			mappings, ok := value.(map[string]any)
			if !ok {
				return false, nil, fmt.Errorf("deserializer: ColumnToJsonKeyMappings must be an object (got %v)", value)
			}
			keys = make(map[string]string, len(mappings))
			for column, key := range mappings {
				if keys[column], ok = key.(string); !ok {
					return false, nil, fmt.Errorf("deserializer: ColumnToJsonKeyMappings of %s must be a string (got %v)", column, key)
				}
			}
		default:
			return false, nil, fmt.Errorf("deserializer: option %s is not modelled", name)
		}
	}
	return matchCase, keys, nil
}

// checkVPC rejects properties that Firehose rejects.
// https://docs.aws.amazon.com/firehose/latest/APIReference/API_VpcConfiguration.html
func (c *deliveryVPCProperties) checkVPC() error {
	switch {
	case c == nil:
		return nil
	case c.RoleARN == nil:
		return errors.New("must have a role")
	case len(c.SubnetIds) < 1 || len(c.SubnetIds) > 16:
		return fmt.Errorf("must have 1 to 16 subnets (got %d)", len(c.SubnetIds))
	case len(c.SecurityGroupIds) < 1 || len(c.SecurityGroupIds) > 5:
		return fmt.Errorf("must have 1 to 5 security groups (got %d)", len(c.SecurityGroupIds))
	}
	return nil
}

var rotations = map[string]bool{"NoRotation": true, "OneHour": true, "OneDay": true, "OneWeek": true, "OneMonth": true}

func searchDestination(c *searchProperties, bucket Bucket) (*SearchDestination, error) {
	buffer, err := searchHints.parseBuffer(c.BufferingHints)
	if err != nil {
		return nil, err
	}
	d := &SearchDestination{DomainARN: c.DomainARN, Index: c.IndexName,
		Rotation:      cmp.Or(c.IndexRotationPeriod, "OneDay"),
		RetryDuration: 300 * time.Second, DocumentID: "FIREHOSE_DEFAULT", Buffer: buffer}
	if c.RetryOptions != nil && c.RetryOptions.DurationInSeconds != nil {
		d.RetryDuration = time.Duration(*c.RetryOptions.DurationInSeconds) * time.Second
	}
	if c.DocumentIdOptions != nil {
		d.DocumentID = c.DocumentIdOptions.DefaultDocumentIdFormat
	}
	mode := cmp.Or(c.S3BackupMode, "FailedDocumentsOnly")
	d.BackupAll = mode == "AllDocuments"
	switch {
	case len(d.Index) < 1 || len(d.Index) > 80:
		return nil, fmt.Errorf("index name: must be 1 to 80 characters (got %q)", d.Index)
	case !rotations[d.Rotation]:
		return nil, fmt.Errorf("index rotation: must be NoRotation, OneHour, OneDay, OneWeek or OneMonth (got %s)",
			d.Rotation)
	case mode != "AllDocuments" && mode != "FailedDocumentsOnly":
		return nil, fmt.Errorf("backup mode: must be AllDocuments or FailedDocumentsOnly (got %s)", mode)
	case d.DocumentID != "FIREHOSE_DEFAULT" && d.DocumentID != "NO_DOCUMENT_ID":
		return nil, fmt.Errorf("document id: must be FIREHOSE_DEFAULT or NO_DOCUMENT_ID (got %s)", d.DocumentID)
	}
	if err := c.VpcConfiguration.checkVPC(); err != nil {
		return nil, fmt.Errorf("VPC: %w", err)
	}
	if d.S3, err = s3Output(c.S3Configuration, bucket, backupHints); err != nil {
		return nil, fmt.Errorf("s3 configuration: %w", err)
	}
	if d.S3.ErrorOutputPrefix == "" {
		// https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html: failed records then share the prefix.
		d.S3.ErrorOutputPrefix = d.S3.Prefix
	}
	return d, nil
}
