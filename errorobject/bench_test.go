package errorobject_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"testing"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/errorobject"
	"firehose-pipeline/event"
)

// smallRecords are documents of Firehose's form, each with a short event that the transform rejected.
func smallRecords(n int) []byte {
	var object bytes.Buffer
	for i := range n {
		record := fmt.Appendf(nil, `{"event_id":"e-%08d","event_type":"view","user_id":"u-%d","amount":1.5,}`, i, i%977)
		fmt.Fprintf(&object, `{"attemptsMade":1,"arrivalTimestamp":%d,"errorCode":"Lambda.ProcessingFailedStatus",`+
			`"errorMessage":"ProcessingFailed status set for record","attemptEndingTimestamp":%d,"rawData":"%s",`+
			`"lambdaArn":"arn:aws:lambda:eu-west-1:111122223333:function:stack-transform-lake:$LATEST"}`+"\n",
			1700000000000+i, 1700000060000+i, base64.StdEncoding.EncodeToString(record))
	}
	return object.Bytes()
}

// BenchmarkSmallRecords reads an object of small records, and names the reason of each, as the error handler does.
func BenchmarkSmallRecords(b *testing.B) {
	const records = 20_000
	object := smallRecords(records)
	source := errorobject.Source{Stream: event.Lake, Stage: errorobject.Transform}
	b.SetBytes(int64(len(object)))
	for b.Loop() {
		reader := errorobject.NewReader(bytes.NewReader(object))
		n := 0
		for ; ; n++ {
			failure, err := reader.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if reason, _ := deadletter.ReasonFor(source, failure); reason == deadletter.AcceptedNow {
				b.Fatal("accepted")
			}
		}
		if n != records {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
