package deadletter_test

import (
	"fmt"
	"log"

	"firehose-pipeline/deadletter"
)

func ExampleParse() {
	body := `{"version":1,"kind":"record","id":"0123456789abcdef0123456789abcdef","stream":"lake","stage":"transform",` +
		`"reason":"InvalidJson","reasonOffset":5,"pointer":{"bucket":"b","key":"error-data/lake/processing-failed/o",` +
		`"offset":0,"length":95},"rawData":"eyJhIjp9"}`
	message, err := deadletter.Parse([]byte(body))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of the %s stream: %s at byte %d\n", message.Kind, message.Stream, message.Reason,
		*message.ReasonOffset)
	fmt.Printf("%s\n", message.RawData)
	// Output:
	// record of the lake stream: InvalidJson at byte 5
	// {"a":}
}
