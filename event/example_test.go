package event_test

import (
	"encoding/json"
	"fmt"
	"time"

	"firehose-pipeline/event"
)

// A lake record holds one or more objects, a search record exactly one.
func ExampleCheck() {
	record := []byte(`{"event_id":"1"}{"event_id":"2"}`)
	if problem := event.Check(event.Lake, record); problem == nil {
		fmt.Println("lake: accepted")
	}
	if problem := event.Check(event.Search, record); problem != nil {
		fmt.Printf("search: %s at byte %d\n", problem.Reason, problem.Offset)
	}
	// Output:
	// lake: accepted
	// search: TrailingData at byte 16
}

// An amount sent as text becomes a number, one that is not a number moves to malformed, and the rules add their fields.
func ExampleProcessor() {
	processor := event.NewProcessor(event.Search, []string{"heartbeat"})
	processor.SetTime(time.Date(2026, 9, 21, 10, 22, 0, 0, time.UTC))
	for _, record := range []string{
		`{"event_id":"1","event_type":"purchase","amount":"120.50"}`,
		`{"event_id":"2","event_type":"view","amount":"much"}`,
		`{"event_id":"3","event_type":"heartbeat"}`,
		`{"event_id":"4"`,
	} {
		output, result := processor.Append(nil, []byte(record), 1<<20)
		switch {
		case result.Refused.Reason != "":
			fmt.Println("rejected:", result.Refused.Reason)
		case result.Dropped > 0:
			fmt.Println("dropped")
		default:
			var written struct { // some of its fields
				Amount    float64 `json:"amount"`
				Status    string  `json:"processing_status"`
				Malformed map[string]string
			}
			if err := json.Unmarshal(output, &written); err != nil {
				fmt.Println(err)
			}
			fmt.Println(written.Status, written.Amount, written.Malformed)
		}
	}
	// Output:
	// SUCCESS 120.5 map[]
	// PARTIAL 0 map[amount:much]
	// dropped
	// rejected: UnexpectedEnd
}
