package errorobject_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"firehose-pipeline/errorobject"
)

// An object with a whole document, one that breaks off, and another whole one.
func ExampleReader() {
	object := `{"attemptsMade":4,"errorCode":"Lambda.FunctionError","rawData":"eyJhIjoxfQ=="}
{"attemptsMade":4,"errorCode":"Lambda.Func
{"attemptsMade":1,"esIndexName":"realtime-events-2026-09-21","errorCode":"400","rawData":"eyJhIjoyfQ=="}
`
	reader := errorobject.NewReader(strings.NewReader(object))
	for {
		failure, err := reader.Next()
		var unreadable *errorobject.UnreadableError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &unreadable):
			fmt.Printf("byte %d: %d bytes are unreadable\n", unreadable.Offset, unreadable.Length)
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Printf("byte %d: %s failed with %s: %s\n", failure.Offset, failure.RawData, failure.ErrorCode,
				failure.Stage)
		}
	}
	// Output:
	// byte 0: {"a":1} failed with Lambda.FunctionError: transform
	// byte 79: 43 bytes are unreadable
	// byte 122: {"a":2} failed with 400: search
}
