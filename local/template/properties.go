package template

// The properties of the resources that are modelled. Every property is either read, or named here as one that changes
// nothing the model plays (type any); a property in neither list is rejected.

type streamProperties struct {
	DeliveryStreamEncryptionConfigurationInput any // encryption at rest
	DeliveryStreamName                         string
	DeliveryStreamType                         string
	ExtendedS3DestinationConfiguration         *extendedS3Properties
	KinesisStreamSourceConfiguration           *struct {
		KinesisStreamARN string
		RoleARN          any
	}

	AmazonopensearchserviceDestinationConfiguration *searchProperties

	Tags any
}

type dataStreamProperties struct {
	MaxRecordSizeInKiB   int
	Name                 string
	RetentionPeriodHours int
	StreamEncryption     *struct {
		EncryptionType string
		KeyId          any
	}
	StreamModeDetails *struct{ StreamMode string }
	Tags              any
}

type hintProperties struct {
	IntervalInSeconds *int64
	SizeInMBs         *int64
}

type s3Properties struct {
	BucketARN                string
	BufferingHints           *hintProperties
	CloudWatchLoggingOptions any
	CompressionFormat        string
	EncryptionConfiguration  any
	ErrorOutputPrefix        string
	Prefix                   string
	RoleARN                  any
}

type extendedS3Properties struct {
	s3Properties
	CustomTimeZone                    string
	DataFormatConversionConfiguration *conversionProperties
	FileExtension                     string
	ProcessingConfiguration           *processingProperties
	S3BackupConfiguration             *s3Properties
	S3BackupMode                      string
}

type conversionProperties struct {
	Enabled                  *bool
	InputFormatConfiguration *struct {
		Deserializer *struct {
			HiveJsonSerDe  map[string]any
			OpenXJsonSerDe map[string]any
		}
	}
	OutputFormatConfiguration *struct {
		Serializer *struct {
			OrcSerDe     map[string]any
			ParquetSerDe *struct{ Compression string }
		}
	}
	SchemaConfiguration *struct {
		CatalogId    string
		DatabaseName string
		Region       string
		RoleARN      any
		TableName    string
		VersionId    string
	}
}

type processingProperties struct {
	Enabled    *bool
	Processors []struct {
		Type       string
		Parameters []struct{ ParameterName, ParameterValue string }
	}
}

type searchProperties struct {
	BufferingHints           *hintProperties
	CloudWatchLoggingOptions any
	DocumentIdOptions        *struct{ DefaultDocumentIdFormat string }
	DomainARN                string
	IndexName                string
	IndexRotationPeriod      string
	ProcessingConfiguration  *processingProperties
	RetryOptions             *struct{ DurationInSeconds *int64 }
	RoleARN                  any
	S3BackupMode             string
	S3Configuration          *s3Properties
	VpcConfiguration         *deliveryVPCProperties
}

// deliveryVPCProperties change nothing here: the model has no network, and delivers as without.
type deliveryVPCProperties struct {
	RoleARN          any
	SubnetIds        []string
	SecurityGroupIds []string
}

type functionProperties struct {
	Architectures                any // binaries are built for this machine
	Code                         any
	Description                  any
	Environment                  struct{ Variables map[string]string }
	FunctionName                 string
	Handler                      string
	KmsKeyArn                    any
	LoggingConfig                struct{ LogGroup string }
	MemorySize                   int
	ReservedConcurrentExecutions int
	Role                         any
	Runtime                      string
	Tags                         any
	Timeout                      int
	TracingConfig                any
	VpcConfig                    any
}

type bucketProperties struct {
	BucketEncryption          any
	BucketName                string
	LifecycleConfiguration    any // nothing grows old here
	NotificationConfiguration struct {
		LambdaConfigurations []struct {
			Event  string
			Filter struct {
				S3Key struct {
					Rules []struct{ Name, Value string }
				}
			}
			Function string
		}
	}
	OwnershipControls              any
	PublicAccessBlockConfiguration any
	Tags                           any
	VersioningConfiguration        struct{ Status string }
}

type invokeProperties struct {
	DestinationConfig        struct{ OnFailure *struct{ Destination string } }
	FunctionName             string
	MaximumEventAgeInSeconds any // events are handled at once
	MaximumRetryAttempts     *int
	Qualifier                string
}

type queueProperties struct {
	KmsDataKeyReusePeriodSeconds any
	KmsMasterKeyId               any
	MessageRetentionPeriod       any // a run is shorter than any retention
	QueueName                    string
	Tags                         any
	VisibilityTimeout            *int
}

// tableProperties are not strict: of the table only its columns matter to Firehose.
type tableProperties struct {
	DatabaseName string
	TableInput   struct {
		Name              string
		StorageDescriptor struct {
			Columns []struct{ Name, Type, Comment string }
		}
	}
}
