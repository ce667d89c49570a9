package sqs_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"

	"firehose-pipeline/local/sqs"
)

func TestDepth(t *testing.T) {
	w := serve(t, nil)
	want := func(visible, inFlight int64) {
		t.Helper()
		if got, err := w.server.Depth("dead-letters"); err != nil || got != (sqs.Depth{Visible: visible, InFlight: inFlight}) {
			t.Errorf("got %+v, %v, want %d visible, %d in flight", got, err, visible, inFlight)
		}
	}
	want(0, 0)
	w.send("a")
	w.send("b")
	want(2, 0)
	received := w.receive()
	want(2-int64(len(received)), int64(len(received)))
	for _, m := range received[:1] {
		if _, err := w.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	want(2-int64(len(received)), int64(len(received))-1)
	w.clock.add(time.Hour)
	want(1, 0)
	if _, err := w.server.Depth("other"); err == nil {
		t.Error("a queue that does not exist has a depth")
	}
}

func TestLook(t *testing.T) {
	w := serve(t, nil)
	for i := range 10 {
		w.send(strconv.Itoa(i))
	}
	received, err := w.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: w.url, MaxNumberOfMessages: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: w.url,
		ReceiptHandle: aws.String(*received.Messages[0].ReceiptHandle)}); err != nil {
		t.Fatal(err)
	}
	look := func(after uint64, most int) (seen string) {
		err := w.server.Look("dead-letters", after, func(m sqs.Message) bool {
			seen += m.Body
			return len(seen) < most
		})
		if err != nil {
			t.Error(err)
		}
		return seen
	}
	if all, some, rest := look(0, 100), look(0, 3), look(4, 100); all != "123456789" || some != "123" || rest != "456789" {
		t.Errorf("got %q, %q, %q", all, some, rest)
	}
}
