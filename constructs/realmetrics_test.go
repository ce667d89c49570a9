package constructs_test

import (
	"fmt"
	"slices"
)

// realMetrics are the metrics that exist, with the dimensions that they need: an alarm on any other stays silent for
// ever, and a graph stays empty. Sources: the CloudWatch metric pages of Firehose, Lambda, SQS and OpenSearch Service;
// the functions' own metrics.
var realMetrics = map[string]struct {
	dimensions []string
	names      []string
}{
	"AWS/Firehose": {[]string{"DeliveryStreamName"}, []string{
		"DeliveryToS3.Success", "DeliveryToS3.Records", "DeliveryToS3.DataFreshness", "BackupToS3.Success",
		"DeliveryToAmazonOpenSearchService.Success", "DeliveryToAmazonOpenSearchService.Records",
		"DeliveryToAmazonOpenSearchService.DataFreshness",
		"DeliveryToAmazonOpenSearchService.AuthFailure", "DeliveryToAmazonOpenSearchService.DeliveryRejected",
		"ExecuteProcessing.Success", "FailedConversion.Records", "ThrottledRecords", "IncomingRecords", "IncomingBytes",
		"IncomingPutRequests",
		"BytesPerSecondLimit", "RecordsPerSecondLimit", "PutRequestsPerSecondLimit",
		"DataReadFromKinesisStream.Records", "DataReadFromKinesisStream.Bytes", "KinesisMillisBehindLatest",
		"ThrottledGetRecords",
	}},
	"AWS/Kinesis": {[]string{"StreamName"}, []string{
		"IncomingRecords", "IncomingBytes", "WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded",
	}},
	"AWS/Lambda": {[]string{"FunctionName"}, []string{
		"Invocations", "Errors", "Throttles", "Duration", "AsyncEventsReceived", "AsyncEventsDropped", "AsyncEventAge",
		"DestinationDeliveryFailures",
	}},
	"AWS/SQS": {[]string{"QueueName"}, []string{
		"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateAgeOfOldestMessage",
	}},
	"AWS/ES": {[]string{"ClientId", "DomainName"}, []string{
		"ClusterStatus.red", "ClusterStatus.yellow", "FreeStorageSpace", "ClusterIndexWritesBlocked", "Nodes",
		"AutomatedSnapshotFailure",
		"CPUUtilization", "JVMMemoryPressure", "OldGenJVMMemoryPressure", "MasterCPUUtilization", "MasterJVMMemoryPressure",
		"MasterReachableFromNode", "KMSKeyError", "KMSKeyInaccessible", "ThreadpoolWriteQueue", "ThreadpoolWriteRejected",
	}},
	"AWS/ApiGateway": {[]string{"ApiName", "Stage"}, []string{
		"Count", "4XXError", "5XXError", "Latency", "IntegrationLatency",
	}},
	"AWS/SNS": {[]string{"TopicName"}, []string{"NumberOfMessagesPublished"}},
	"FirehosePipeline": {[]string{"Stack", "Stream"}, []string{
		"TooLarge", "Ok", "PartialRecords", "Dropped", "ProcessingFailed", "FailedRecords", "DeadLetters",
	}},
}

// checkRealMetric reports a metric that does not exist, or has other dimensions.
func checkRealMetric(namespace, name string, dimensions []string) error {
	real, ok := realMetrics[namespace]
	if !ok || !slices.Contains(real.names, name) {
		return fmt.Errorf("no such metric: %s %s", namespace, name)
	}
	if got := slices.Sorted(slices.Values(dimensions)); !slices.Equal(got, real.dimensions) {
		return fmt.Errorf("dimensions of %s must be %v (got %v)", name, real.dimensions, got)
	}
	return nil
}
