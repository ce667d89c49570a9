package constructs

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsglue"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/schema"
)

// ViewName is the view that has each event once, beside the table [TableName].
const ViewName = "events_once"

// partitionNames are the partition keys of the lake's table, which are columns of the view.
var partitionNames = []string{"year", "month", "day", "hour"}

// eventsOnce is the query of the view: of each event id the latest row. It names its columns, so that a column that a
// later deployment adds to the table does not make the view stale. Years after the current one have no rows; without
// the condition Athena would list each of their hours.
func eventsOnce(s *schema.Schema) string {
	var columns []string
	for _, c := range s.Columns() {
		columns = append(columns, quoteColumn(c.Name))
	}
	columns = append(columns, partitionNames...)
	c := columnsForQueries(s)
	return "SELECT " + strings.Join(columns, ",\n       ") + "\nFROM " +
		numbered(c, columns, true, "\n  WHERE year <= CAST(year(current_date) AS varchar)") +
		"\nWHERE " + c.copyName + " = 1"
}

// prestoView is a view as Athena and Trino keep it in the Glue Data Catalog: this, as JSON in base64, in a comment. The
// columns must be those of the query, or each query of the view fails with "view is stale".
// https://github.com/trinodb/trino, ConnectorViewDefinition and ViewReaderUtil of plugin/trino-hive
type prestoView struct {
	OriginalSQL string             `json:"originalSql"`
	Catalog     string             `json:"catalog"` // of the tables in the query: Athena's name of the Glue Data Catalog
	Schema      string             `json:"schema"`
	Columns     []prestoViewColumn `json:"columns"`
	// RunAsInvoker has each query of the view run with the rights of the one who runs it, as Athena does anyhow. Trino
	// rejects a view without it and without an owner ("Run-as identity must be set"; trinodb/trino#18573; run).
	RunAsInvoker bool `json:"runAsInvoker"`
}

type prestoViewColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// newViewOfEventsOnce makes the view, as CREATE VIEW in Athena would: it exists without a statement that somebody has
// to run. CloudFormation has no resource for a view of Athena, but a view is a table of the Glue Data Catalog.
func newViewOfEventsOnce(scope constructs.Construct, lake *DataLake, s *schema.Schema) awsglue.CfnTable {
	view := prestoView{OriginalSQL: eventsOnce(s), Catalog: "awsdatacatalog", Schema: lake.DatabaseName,
		RunAsInvoker: true}
	var columns []any
	add := func(name, hiveType, comment string) {
		columns = append(columns, column(name, hiveType, comment))
		view.Columns = append(view.Columns, prestoViewColumn{name, schema.TrinoType(hiveType)})
	}
	for _, c := range s.Columns() {
		add(c.Name, c.Type, c.Comment)
	}
	for _, name := range partitionNames {
		add(name, "string", "Of the latest row")
	}
	table := awsglue.NewCfnTable(scope, jsii.String("EventsOnce"), &awsglue.CfnTableProps{
		CatalogId:    awscdk.Aws_ACCOUNT_ID(),
		DatabaseName: jsii.String(lake.DatabaseName),
		TableInput: &awsglue.CfnTable_TableInputProperty{
			Name: jsii.String(ViewName),
			// No Description: in Trino's catalog of Glue it takes the place of the parameter comment, by which a view is known,
			// and the view does not exist (GlueConverter, ViewReaderUtil.isTrinoView; run).
			TableType:        jsii.String("VIRTUAL_VIEW"),
			Parameters:       map[string]string{"presto_view": "true", "comment": "Presto View"},
			ViewOriginalText: jsii.String("/* Presto View: " + base64.StdEncoding.EncodeToString([]byte(encodeJSON(view))) + " */"),
			ViewExpandedText: jsii.String("/* Presto View */"),
			StorageDescriptor: &awsglue.CfnTable_StorageDescriptorProperty{
				Columns: columns,
				// Athena fails on a table without any ("missing SerDe info"), and the CDK leaves an empty one out.
				SerdeInfo: &awsglue.CfnTable_SerdeInfoProperty{
					Name: jsii.String("-"), SerializationLibrary: jsii.String("-"),
				},
			},
		},
	})
	table.AddResourceDependency(lake.Table, jsii.String("the view reads it"))
	return table
}
