package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsathena"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/schema"
)

// engineVersion is Athena's, on Trino. It is named, so that AWS does not move the workgroup to the next one unseen.
const engineVersion = "Athena engine version 3"

// noScanLimit is the cutoff of a workgroup without a limit: the largest number that JSON holds exactly, 8 PiB. A cutoff
// that is left out of an update stays in force: UpdateWorkGroup has RemoveBytesScannedCutoffPerQuery for that.
// https://docs.aws.amazon.com/athena/latest/APIReference/API_WorkGroupConfigurationUpdates.html
const noScanLimit = 1<<53 - 1

// AthenaProps configure an [Athena].
type AthenaProps struct {
	StackName    string // and name of the workgroup
	Schema       *schema.Schema
	Lake         *DataLake
	Key          *EncryptionKey
	ScanLimitGiB int // scanned by one query; 0: no limit
}

// Athena is the workgroup in which people query the lake, with its saved queries, the tables that they read beside the
// lake's own, and the policy of those people.
type Athena struct {
	constructs.Construct
	WorkGroup awsathena.CfnWorkGroup
	Queries   []awsathena.CfnNamedQuery // EventsPerHour is the first
	View      awsglue.CfnTable          // nil: events have no id
	Readers   *LakeReaders
}

// NewAthena makes the workgroup, the tables and the policy.
func NewAthena(scope constructs.Construct, id string, props AthenaProps) *Athena {
	this := constructs.NewConstruct(scope, jsii.String(id))
	a := &Athena{Construct: this, WorkGroup: newWorkGroup(this, props)}
	newFailuresTable(this, props.Lake)
	if props.Schema.EventID != nil {
		a.View = newViewOfEventsOnce(this, props.Lake, props.Schema)
	}
	for _, q := range savedQueries(props.Schema) {
		query := awsathena.NewCfnNamedQuery(this, jsii.String(q.id), &awsathena.CfnNamedQueryProps{
			Name:        jsii.String(q.name),
			Description: jsii.String(q.description),
			Database:    jsii.String(props.Lake.DatabaseName),
			QueryString: jsii.String(q.sql),
			WorkGroup:   a.WorkGroup.Ref(),
		})
		a.Queries = append(a.Queries, query)
	}
	a.Readers = NewLakeReaders(this, "Readers", LakeReadersProps{
		WorkGroupName: props.StackName, Lake: props.Lake, Key: props.Key.Key,
	})
	return a
}

// newWorkGroup makes the workgroup. Athena keeps the results of queries for 24 hours, encrypted with the stack's key,
// in storage of its own: there is no bucket to name and to clean up.
// https://docs.aws.amazon.com/athena/latest/ug/managed-results.html
func newWorkGroup(scope constructs.Construct, props AthenaProps) awsathena.CfnWorkGroup {
	limit := float64(noScanLimit)
	if props.ScanLimitGiB > 0 {
		limit = float64(props.ScanLimitGiB) * (1 << 30)
	}
	return awsathena.NewCfnWorkGroup(scope, jsii.String("WorkGroup"), &awsathena.CfnWorkGroupProps{
		Name:        jsii.String(props.StackName),
		Description: jsii.String("Queries of the data lake of " + props.StackName),
		State:       jsii.String("ENABLED"),
		// Without it a workgroup with saved queries or a history of queries cannot be deleted.
		RecursiveDeleteOption: jsii.Bool(true),
		WorkGroupConfiguration: &awsathena.CfnWorkGroup_WorkGroupConfigurationProperty{
			BytesScannedCutoffPerQuery: jsii.Number(limit),
			// A client's own place for results, and its own encryption, are not used.
			EnforceWorkGroupConfiguration: jsii.Bool(true),
			EngineVersion: &awsathena.CfnWorkGroup_EngineVersionProperty{
				SelectedEngineVersion: jsii.String(engineVersion),
			},
			ManagedQueryResultsConfiguration: &awsathena.CfnWorkGroup_ManagedQueryResultsConfigurationProperty{
				Enabled: jsii.Bool(true),
				EncryptionConfiguration: &awsathena.CfnWorkGroup_ManagedStorageEncryptionConfigurationProperty{
					KmsKey: props.Key.Key.KeyArn(),
				},
			},
			PublishCloudWatchMetricsEnabled: jsii.Bool(true),
			RequesterPaysEnabled:            jsii.Bool(false),
		},
	})
}
