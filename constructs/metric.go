package constructs

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
)

// metric is one metric of one resource, as alarms and the dashboard name it.
type metric struct {
	namespace, name string
	dimensions      [][2]string
	statistic       string // Sum, Average, Minimum, Maximum or a percentile such as p90
}

// key tells the metric from any other.
func (m metric) key() string { return fmt.Sprint(m) }

// properties returns the dimensions as the CDK wants them.
func (m metric) properties() []any {
	var properties []any
	for _, d := range m.dimensions {
		properties = append(properties,
			&awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(d[0]), Value: jsii.String(d[1])})
	}
	return properties
}

// metrics makes the metrics of one resource.
type metrics func(name, statistic string) metric

func metricsOf(namespace string, dimensions ...[2]string) metrics {
	return func(name, statistic string) metric { return metric{namespace, name, dimensions, statistic} }
}

func ofStream(s *Stream) metrics {
	return metricsOf("AWS/Firehose", [2]string{"DeliveryStreamName", *s.Name()})
}

func ofDataStream(d *DataStream) metrics {
	return metricsOf("AWS/Kinesis", [2]string{"StreamName", *d.Name()})
}

// deliveryTo is how the names of a stream's metrics about its destination begin.
func deliveryTo(s *Stream) string {
	if s.Kind == event.Search {
		return "DeliveryToAmazonOpenSearchService"
	}
	return "DeliveryToS3"
}

func ofFunction(f awslambda.Function) metrics {
	return metricsOf("AWS/Lambda", [2]string{"FunctionName", *f.FunctionName()})
}

func ofQueue(q *DeadLetterQueue) metrics {
	return metricsOf("AWS/SQS", [2]string{"QueueName", *q.Queue.QueueName()})
}

// ofDomain has both dimensions: one alone matches nothing.
func ofDomain(d *SearchDomain) metrics {
	return metricsOf("AWS/ES", [2]string{"DomainName", d.Name}, [2]string{"ClientId", *awscdk.Aws_ACCOUNT_ID()})
}

// ofPipeline makes the functions' own metrics about one stream.
func ofPipeline(stackName string, stream event.Stream) metrics {
	return metricsOf(contract.MetricNamespace, [2]string{contract.DimensionStack, stackName},
		[2]string{contract.DimensionStream, string(stream)})
}
