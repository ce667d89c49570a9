package constructs

import (
	"fmt"
	"maps"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/schema"
)

// partition is the Hive-style part of every prefix, in the time of the oldest record of the object, UTC. yyyy, not
// YYYY: the week-based year is wrong around New Year. https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
const partition = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"

// TableName is the lake's table in the stack's own database.
const TableName = "events"

// DataLakeProps configure a [DataLake].
type DataLakeProps struct {
	Schema       *schema.Schema // columns of the table
	DatabaseName string         // lower case letters, digits and underscores
	Format       string         // parquet, orc or json
	Compressed   bool
	Key          awskms.IKey
	Retain       bool
	// Days after which an object changes class or goes; 0: never.
	InfrequentAccessAfterDays int
	GlacierAfterDays          int
	ExpireAfterDays           int
	ErrorHandler              *ErrorHandler
}

// DataLake is the bucket of everything that the streams write, and the table over the delivered objects.
type DataLake struct {
	constructs.Construct
	Bucket       awss3.Bucket
	Table        awsglue.CfnTable
	DatabaseName string
	keys         map[string]string // JSON key by column, where they differ
	key          awskms.IKey
	handlerReads awsiam.Policy
}

// NewDataLake makes the bucket and the table.
func NewDataLake(scope constructs.Construct, id string, props DataLakeProps) *DataLake {
	this := constructs.NewConstruct(scope, jsii.String(id))
	//accept:finding AwsSolutions-S1,S3BucketLoggingEnabled,CKV_AWS_18 on DataLake/Bucket
	// because access logs of a bucket that only Firehose writes and Athena reads would need a second bucket, and
	// CloudTrail data events record the same
	//accept:finding S3BucketReplicationEnabled on DataLake/Bucket
	// because a second region is the owner's choice and cost; versions are kept, and docs/security.md names
	// replication as the owner's task
	//accept:finding CKV_AWS_115,CKV_AWS_116,CKV_AWS_117 on Custom::S3AutoDeleteObjectsCustomResourceProvider/Handler
	// because the CDK's function that empties the bucket of a deleted stack runs once, and CloudFormation waits for
	// its answer
	bucket := awss3.NewBucket(this, jsii.String("Bucket"), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_KMS,
		EncryptionKey:     props.Key,
		BucketKeyEnabled:  jsii.Bool(true),
		Versioned:         jsii.Bool(true),
		EnforceSSL:        jsii.Bool(true),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     removal(props.Retain),
		AutoDeleteObjects: jsii.Bool(!props.Retain),
		LifecycleRules:    lifecycle(props),
	})
	lake := &DataLake{
		Construct: this, Bucket: bucket, DatabaseName: props.DatabaseName, keys: props.Schema.KeyMappings(), key: props.Key,
	}
	// Natively, not by the CDK's notification handler (a Python function that calls S3 at deploy time): the bucket refers
	// to the function, and nothing that the function needs to exist refers to the bucket.
	bucket.Node().DefaultChild().(awss3.CfnBucket).SetNotificationConfiguration(props.ErrorHandler.notification())
	bucket.Node().DefaultChild().(awss3.CfnBucket).AddResourceDependency(props.ErrorHandler.admission,
		jsii.String("S3 checks at once that it may call the function"))
	lake.handlerReads = props.ErrorHandler.readErrorObjects(lake)
	lake.Table = newTable(this, bucket, props)
	return lake
}

// lifecycle moves and expires objects, those under error-data/ too, and cleans up what versioning and multipart uploads
// leave. Glacier means Instant Retrieval, the one Glacier class that Athena reads.
func lifecycle(props DataLakeProps) *[]*awss3.LifecycleRule {
	rules := []*awss3.LifecycleRule{{
		Id:                                  jsii.String("CleanUp"),
		AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(7)),
		NoncurrentVersionExpiration:         awscdk.Duration_Days(jsii.Number(30)),
		ExpiredObjectDeleteMarker:           jsii.Bool(true),
	}}
	var transitions []*awss3.Transition
	if days := props.InfrequentAccessAfterDays; days > 0 {
		transitions = append(
			transitions,
			&awss3.Transition{
				StorageClass:    awss3.StorageClass_INFREQUENT_ACCESS(),
				TransitionAfter: awscdk.Duration_Days(jsii.Number(days)),
			},
		)
	}
	if days := props.GlacierAfterDays; days > 0 {
		transitions = append(
			transitions,
			&awss3.Transition{
				StorageClass:    awss3.StorageClass_GLACIER_INSTANT_RETRIEVAL(),
				TransitionAfter: awscdk.Duration_Days(jsii.Number(days)),
			},
		)
	}
	if transitions == nil && props.ExpireAfterDays == 0 {
		return &rules
	}
	age := &awss3.LifecycleRule{Id: jsii.String("Age")}
	if transitions != nil {
		age.Transitions = &transitions
	}
	if days := props.ExpireAfterDays; days > 0 {
		age.Expiration = awscdk.Duration_Days(jsii.Number(days))
	}
	rules = append(rules, age)
	return &rules
}

// serialization is how Athena reads a format.
type serialization struct {
	input, output, library, classification string
	parameters                             map[string]string // of the SerDe, beside serialization.format
}

var serializations = map[string]serialization{
	"parquet": {
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
		"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
		"parquet",
		nil, // columns by name, Athena's default for Parquet
	},
	"orc": {
		"org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
		"org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
		"org.apache.hadoop.hive.ql.io.orc.OrcSerde",
		"orc",
		// By name: Athena's default for ORC is the position, so that each new column would shift those behind it in old
		// objects. https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html
		map[string]string{"orc.column.index.access": "false"},
	},
	"json": {
		"org.apache.hadoop.mapred.TextInputFormat",
		"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
		"org.openx.data.jsonserde.JsonSerDe",
		"json",
		// https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
		map[string]string{
			// As the conversion to Parquet reads keys: an undeclared "Amount" is not the column amount, and an event with both
			// is not a repeated key, which would end the query.
			"case.insensitive": "false",
			// Without the transform a record that is not JSON reaches the lake unchanged. It becomes a row of nulls, where it
			// would end every query over its hour.
			"ignore.malformed.json": "true",
		},
	},
}

// firstYear and lastYear bound the projection of the year. Athena alone could project it as a date up to NOW; Trino,
// which reads the same table, knows neither the interval YEARS nor, in newer releases, the format yyyy, and then fails
// every query. A query that names no year looks at all of these years, which is why the end is not farther away.
// https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
const (
	firstYear = 2024
	lastYear  = 2040
)

// partitionTemplate is [partition] as a table's projection has it.
const partitionTemplate = "year=${year}/month=${month}/day=${day}/hour=${hour}/"

// partitionKeys are the keys of [partition].
func partitionKeys() []any {
	return []any{
		column("year", "string", "UTC, four digits"),
		column("month", "string", "01 to 12"),
		column("day", "string", "01 to 31"),
		column("hour", "string", "00 to 23"),
	}
}

// projection are the parameters of a table whose partitions are projected from [partition].
func projection() map[string]string {
	return map[string]string{
		"projection.enabled":      "true",
		"projection.year.type":    "integer",
		"projection.year.range":   fmt.Sprintf("%d,%d", firstYear, lastYear),
		"projection.month.type":   "integer",
		"projection.month.range":  "1,12",
		"projection.month.digits": "2",
		"projection.day.type":     "integer",
		"projection.day.range":    "1,31",
		"projection.day.digits":   "2",
		"projection.hour.type":    "integer",
		"projection.hour.range":   "0,23",
		"projection.hour.digits":  "2",
	}
}

// newTable makes the database and the table. Partitions are projected from the prefix, so that no crawler has to find
// them. https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
func newTable(scope constructs.Construct, bucket awss3.Bucket, props DataLakeProps) awsglue.CfnTable {
	database := awsglue.NewCfnDatabase(scope, jsii.String("Database"), &awsglue.CfnDatabaseProps{
		CatalogId: awscdk.Aws_ACCOUNT_ID(),
		DatabaseInput: &awsglue.CfnDatabase_DatabaseInputProperty{
			Name:        jsii.String(props.DatabaseName),
			Description: jsii.String("Events delivered by Amazon Data Firehose"),
		},
	})
	location := "s3://" + *bucket.BucketName() + "/" + contract.DataPrefix
	format := serializations[props.Format]
	parameters := map[string]string{"serialization.format": "1"}
	maps.Copy(parameters, format.parameters)
	if props.Format == "json" { // objects hold the events' own keys
		for name, key := range props.Schema.KeyMappings() {
			parameters["mapping."+name] = key
		}
	}
	tableParameters := map[string]string{
		"EXTERNAL":                  "TRUE",
		"classification":            format.classification,
		"storage.location.template": location + partitionTemplate,
	}
	maps.Copy(tableParameters, projection())
	var columns []any
	for _, c := range props.Schema.Columns() {
		columns = append(columns, column(c.Name, c.Type, c.Comment))
	}
	table := awsglue.NewCfnTable(scope, jsii.String("Table"), &awsglue.CfnTableProps{
		CatalogId:    awscdk.Aws_ACCOUNT_ID(),
		DatabaseName: jsii.String(props.DatabaseName),
		TableInput: &awsglue.CfnTable_TableInputProperty{
			Name:          jsii.String(TableName),
			Description:   jsii.String("One row an event; where clauses should name year, month and day"),
			TableType:     jsii.String("EXTERNAL_TABLE"),
			PartitionKeys: partitionKeys(),
			Parameters:    tableParameters,
			StorageDescriptor: &awsglue.CfnTable_StorageDescriptorProperty{
				Location:     jsii.String(location),
				InputFormat:  jsii.String(format.input),
				OutputFormat: jsii.String(format.output),
				Compressed:   jsii.Bool(props.Compressed),
				SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
					SerializationLibrary: jsii.String(format.library),
					Parameters:           parameters,
				},
				Columns: columns,
			},
		},
	})
	table.AddResourceDependency(database, jsii.String("a table is made in its database"))
	return table
}

func column(name, hiveType, comment string) *awsglue.CfnTable_ColumnProperty {
	return &awsglue.CfnTable_ColumnProperty{
		Name:    jsii.String(name),
		Type:    jsii.String(hiveType),
		Comment: jsii.String(comment),
	}
}

// write lets a stream write below its own prefixes.
// https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
func (l *DataLake) write(prefixes ...string) []statement {
	var objects []string
	for _, prefix := range prefixes {
		objects = append(objects, *l.Bucket.BucketArn()+"/"+prefix+"*")
	}
	return []statement{
		{
			Actions:   []string{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
			Resources: []string{*l.Bucket.BucketArn()},
		},
		{
			Actions:   []string{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
			Resources: objects,
		},
		useKeyForBucket(l.key, l.Bucket, "kms:Decrypt", "kms:GenerateDataKey"),
	}
}

// readSchema lets a stream read the table; Glue checks catalog, database and table.
func (l *DataLake) readSchema() statement {
	return statement{
		Actions: []string{"glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"},
		Resources: []string{
			arn("glue", "catalog"),
			arn("glue", "database/"+l.DatabaseName),
			arn("glue", "table/"+l.DatabaseName+"/"+TableName),
		},
	}
}

// ready returns the resources that a stream has to wait for before it may deliver: the whole bucket, so that on destroy
// the emptying runs after delivery has stopped, and the handler's right to read failed records.
func (l *DataLake) ready() []constructs.IDependable {
	return []constructs.IDependable{l.Bucket, l.handlerReads}
}
