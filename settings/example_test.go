package settings_test

import (
	"fmt"

	"firehose-pipeline/settings"
)

// The context of cdk.json, overridden by an environment variable. The app itself calls FromEnvironment.
func ExampleLoad() {
	context := []byte(`{
		"resourcePrefix": "shop",
		"openSearchReaderRoleArns": ["arn:aws:iam::111122223333:role/Analyst"],
		"environments": {"production": {"openSearchInstanceCount": 6}}
	}`)
	lookup := func(name string) (string, bool) { return "production", name == "ENVIRONMENT" }
	s, notes, err := settings.Load(context, lookup)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.StackName(), s.OpenSearchInstanceCount, s.OpenSearchInstanceType)
	for _, note := range notes {
		fmt.Println("note:", note)
	}

	_, _, err = settings.Load([]byte(`{"bufferSizeMB": 0, "dataFormat": "avro", "bufferSize": 5}`), lookup)
	fmt.Println(err)
	// Output:
	// shop-production 6 r7g.large.search
	// note: bufferSizeMB: raised from 5 to 64, the minimum of Firehose with parquet
	// bufferSizeMB: must be 1 to 128 (got 0)
	// dataFormat: must be parquet, orc or json (got "avro")
	// bufferSize: unknown setting (did you mean bufferSizeMB?)
}
