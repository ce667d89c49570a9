package producer_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"firehose-pipeline/producer"
)

// printer is a Firehose that accepts every record and prints it.
type printer struct{}

func (printer) PutRecordBatch(_ context.Context, input *firehose.PutRecordBatchInput,
	_ ...func(*firehose.Options)) (*firehose.PutRecordBatchOutput, error) {
	output := &firehose.PutRecordBatchOutput{FailedPutCount: aws.Int32(0)}
	for _, record := range input.Records {
		fmt.Printf("%s: %q\n", *input.DeliveryStreamName, record.Data)
		output.RequestResponses = append(output.RequestResponses,
			types.PutRecordBatchResponseEntry{RecordId: aws.String("1")})
	}
	return output, nil
}

// Two events are packed into one record; a line that is not an event is rejected by its number.
func ExampleSend() {
	input := strings.NewReader("{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\nnot an event\n")
	report, err := producer.Send(context.Background(), context.Background(), input, producer.Options{
		Lake:          &producer.Stream{Name: "lake", Client: printer{}},
		Pack:          true,
		RejectInvalid: true,
		Invalid:       func(i producer.Invalid) { fmt.Printf("line %d is rejected\n", i.Line) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d lines, %d events accepted, %d rejected\n", report.Lines, report.Streams[0].Events, report.Rejected)
	// Output:
	// line 3 is rejected
	// lake: "{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n"
	// 3 lines, 2 events accepted, 1 rejected
}
