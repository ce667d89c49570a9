package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/local/sqs"
)

// clock is fixed until it is moved.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Time
	asked  chan struct{} // gets a value for each timer, if somebody listens
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), timers: map[chan time.Time]time.Time{},
		asked: make(chan struct{}, 100)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	timer := make(chan time.Time, 1)
	c.timers[timer] = c.now.Add(d)
	c.asked <- struct{}{}
	return timer
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for timer, at := range c.timers {
		if !at.After(c.now) {
			timer <- c.now
			delete(c.timers, timer)
		}
	}
}

// world is an endpoint with one queue, a client and a clock.
type world struct {
	*sdk.Client
	server *sqs.Server
	clock  *clock
	url    *string
	t      *testing.T
}

func serve(t *testing.T, change func(*sqs.Options)) *world {
	t.Helper()
	w := &world{clock: newClock(), t: t}
	options := sqs.Options{Region: "eu-west-1", AccountID: "123456789012", Queues: []sqs.Queue{{Name: "dead-letters"}},
		Clock: w.clock}
	if change != nil {
		change(&options)
	}
	server, err := sqs.Serve(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	w.server = server
	w.url = aws.String(server.QueueURL("dead-letters"))
	w.Client = sdk.New(sdk.Options{
		BaseEndpoint: aws.String(server.URL), Region: "eu-west-1", RetryMaxAttempts: 1,
		HTTPClient: awsclient.ReadWhole(http.DefaultClient, &server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	return w
}

func (w *world) send(body string) *sdk.SendMessageOutput {
	w.t.Helper()
	out, err := w.SendMessage(w.t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: &body})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// receive returns up to ten messages that are visible now.
func (w *world) receive() []types.Message {
	w.t.Helper()
	out, err := w.ReceiveMessage(w.t.Context(), &sdk.ReceiveMessageInput{QueueUrl: w.url, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Messages
}

func bodies(messages []types.Message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, *m.Body)
	}
	return list
}

func (w *world) wantBodies(want ...string) {
	w.t.Helper()
	if got := bodies(w.receive()); !slices.Equal(got, want) {
		w.t.Errorf("received %q, want %q", got, want)
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func entries(n, size int) []types.SendMessageBatchRequestEntry {
	var list []types.SendMessageBatchRequestEntry
	for i := range n {
		list = append(list, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)),
			MessageBody: aws.String(strings.Repeat("x", size))})
	}
	return list
}

func TestSend(t *testing.T) {
	t.Run("digests are SQS's", func(t *testing.T) {
		// AWS returned these digests for the attributes, as recorded in moto's tests.
		w := serve(t, nil)
		out, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("derp"),
			MessageAttributes: map[string]types.MessageAttributeValue{"timestamp": {DataType: aws.String("Number"),
				StringValue: aws.String("1493147359900")}}})
		if err != nil {
			t.Fatal(err)
		}
		if *out.MD5OfMessageBody != "58fd9edd83341c29f1aebba81c31e257" ||
			*out.MD5OfMessageAttributes != "235c5c510d26fb653d073faed50ae77c" {
			t.Errorf("got %s and %s", *out.MD5OfMessageBody, *out.MD5OfMessageAttributes)
		}
		m := w.receive()[0]
		if *m.MD5OfBody != *out.MD5OfMessageBody || *m.MD5OfMessageAttributes != *out.MD5OfMessageAttributes ||
			*m.MessageId != *out.MessageId {
			t.Errorf("received %+v", m)
		}
	})
	t.Run("attributes come back as they were sent, in any order of names", func(t *testing.T) {
		w := serve(t, nil)
		out, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("x"),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"b":        {DataType: aws.String("Binary"), BinaryValue: []byte{2, 3, 4}},
				"a.reason": {DataType: aws.String("String.label"), StringValue: aws.String("ü")},
			}})
		if err != nil {
			t.Fatal(err)
		}
		// MD5 of: 8 "a.reason" 12 "String.label" 1 2 "ü", 1 "b" 6 "Binary" 2 3 0x020304, each number of four bytes big
		// endian but the kinds of one.
		if want := "3a4d32fe6b8dbef08afa5d115ec43e8e"; *out.MD5OfMessageAttributes != want {
			t.Errorf("got %s, want %s", *out.MD5OfMessageAttributes, want)
		}
		got, err := w.ReceiveMessage(t.Context(),
			&sdk.ReceiveMessageInput{QueueUrl: w.url, MessageAttributeNames: []string{"a.*"}})
		if err != nil || len(got.Messages) != 1 || len(got.Messages[0].MessageAttributes) != 1 ||
			*got.Messages[0].MessageAttributes["a.reason"].StringValue != "ü" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("messages come in order of sending", func(t *testing.T) {
		w := serve(t, nil)
		var want []string
		for i := range 9 {
			want = append(want, fmt.Sprintf("message %d", i))
			w.send(want[i])
		}
		w.wantBodies(want...)
	})
	t.Run("1 MiB with attributes is the limit of a message", func(t *testing.T) {
		w := serve(t, nil)
		w.send(strings.Repeat("x", 1<<20))
		for name, in := range map[string]*sdk.SendMessageInput{
			"body": {MessageBody: aws.String(strings.Repeat("x", 1<<20+1))},
			"attributes": {MessageBody: aws.String(strings.Repeat("x", 1<<20)),
				MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("String"),
					StringValue: aws.String("x")}}},
		} {
			in.QueueUrl = w.url
			_, err := w.SendMessage(t.Context(), in)
			wantError(t, err, "InvalidParameterValue")
			if err != nil && !strings.Contains(err.Error(), "Message must be shorter than 1048576 bytes.") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
	for name, body := range map[string]string{"a control character": "a\x00b", "U+FFFF": "\uffff"} {
		t.Run(name+" is refused", func(t *testing.T) {
			w := serve(t, nil)
			_, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: &body})
			wantError(t, err, "InvalidMessageContents")
		})
	}
	t.Run("what XML knows is accepted", func(t *testing.T) {
		w := serve(t, nil)
		body := "\t\n\r <&>\"\u0080\ufffd\U0001F600\u2028"
		w.send(body)
		w.wantBodies(body)
	})
	for name, attributes := range map[string]map[string]types.MessageAttributeValue{
		"an unknown type":          {"a": {DataType: aws.String("Text"), StringValue: aws.String("x")}},
		"an empty value":           {"a": {DataType: aws.String("String"), StringValue: aws.String("")}},
		"a value of another type":  {"a": {DataType: aws.String("Binary"), StringValue: aws.String("x")}},
		"a name that begins oddly": {".a": {DataType: aws.String("String"), StringValue: aws.String("x")}},
		"eleven attributes": func() map[string]types.MessageAttributeValue {
			m := map[string]types.MessageAttributeValue{}
			for i := range 11 {
				m[strconv.Itoa(i)] = types.MessageAttributeValue{DataType: aws.String("String"),
					StringValue: aws.String("x")}
			}
			return m
		}(),
	} {
		t.Run(name+" among the attributes is refused", func(t *testing.T) {
			w := serve(t, nil)
			_, err := w.SendMessage(t.Context(),
				&sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("x"), MessageAttributes: attributes})
			wantError(t, err, "InvalidParameterValue")
		})
	}
	t.Run("no body is refused", func(t *testing.T) {
		w := serve(t, nil)
		_, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("")})
		wantError(t, err, "MissingParameter")
	})
	t.Run("a queue that is not there", func(t *testing.T) {
		w := serve(t, nil)
		_, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: aws.String(w.server.QueueURL("none")),
			MessageBody: aws.String("x")})
		var missing *types.QueueDoesNotExist
		if !errors.As(err, &missing) {
			t.Errorf("got %v", err)
		}
		wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	})
}

func TestSendBatch(t *testing.T) {
	send := func(w *world, entries ...types.SendMessageBatchRequestEntry) (*sdk.SendMessageBatchOutput, error) {
		return w.SendMessageBatch(w.t.Context(), &sdk.SendMessageBatchInput{QueueUrl: w.url, Entries: entries})
	}
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	t.Run("ten messages of 1 MiB together pass", func(t *testing.T) {
		w := serve(t, nil)
		batch := entries(10, 1<<20/10)
		out, err := send(w, batch...)
		if err != nil || len(out.Successful) != 10 || len(out.Failed) != 0 {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	for _, c := range []struct {
		name    string
		entries []types.SendMessageBatchRequestEntry
		want    string
	}{
		{"1 MiB and a byte", append(entries(9, 1<<20/9), entry("last", "12345")),
			"AWS.SimpleQueueService.BatchRequestTooLong"},
		{"one message of 1 MiB and a byte", entries(1, 1<<20+1), "AWS.SimpleQueueService.BatchRequestTooLong"},
		{"eleven entries", entries(11, 1), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		{"no entry", []types.SendMessageBatchRequestEntry{}, "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"an id twice", []types.SendMessageBatchRequestEntry{entry("a", "x"), entry("a", "y")},
			"AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		{"an id with a blank", []types.SendMessageBatchRequestEntry{entry("a b", "x")},
			"AWS.SimpleQueueService.InvalidBatchEntryId"},
	} {
		t.Run(c.name+" is refused as a whole", func(t *testing.T) {
			w := serve(t, nil)
			_, err := send(w, c.entries...)
			wantError(t, err, c.want)
			if got, err := w.server.Messages("dead-letters"); err != nil || len(got) > 0 {
				t.Errorf("got %d messages, %v", len(got), err)
			}
		})
	}
	t.Run("an entry with wrong characters fails alone", func(t *testing.T) {
		w := serve(t, nil)
		out, err := send(w, entry("good", "x"), entry("bad", "\x01"))
		if err != nil || len(out.Successful) != 1 || *out.Successful[0].Id != "good" || len(out.Failed) != 1 ||
			*out.Failed[0].Id != "bad" || *out.Failed[0].Code != "InvalidMessageContents" ||
			!out.Failed[0].SenderFault {
			t.Errorf("got %+v, %v", out, err)
		}
		w.wantBodies("x")
	})
	t.Run("faults fail the entries they are asked about", func(t *testing.T) {
		var asked []sqs.Entry
		w := serve(t, func(o *sqs.Options) {
			o.Fault = func(e sqs.Entry) *sqs.Fault {
				asked = append(asked, e)
				if e.ID == "b" {
					return &sqs.Fault{Code: "InternalError", Message: "try again"}
				}
				return nil
			}
		})
		out, err := send(w, entry("a", "1"), entry("b", "2"), entry("c", "3"))
		if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "b" ||
			*out.Failed[0].Code != "InternalError" || out.Failed[0].SenderFault {
			t.Errorf("got %+v, %v", out, err)
		}
		if want := (sqs.Entry{Operation: "SendMessage", Queue: "dead-letters", ID: "b", Body: "2"}); len(asked) != 3 ||
			asked[1] != want {
			t.Errorf("asked about %+v", asked)
		}
		w.wantBodies("1", "3")
	})
	t.Run("a request that is refused has no effect", func(t *testing.T) {
		var asked []string
		w := serve(t, func(o *sqs.Options) {
			o.Refuse = func(operation string) *sqs.Fault {
				if asked = append(asked, operation); len(asked) > 1 {
					return nil
				}
				return &sqs.Fault{Code: "RequestThrottled", Message: "slow down", SenderFault: true}
			}
		})
		_, err := send(w, entry("a", "1"))
		wantError(t, err, "RequestThrottled")
		if _, err := send(w, entry("a", "2")); err != nil {
			t.Error(err)
		}
		if asked[0] != "SendMessageBatch" {
			t.Errorf("asked about %q", asked)
		}
		w.wantBodies("2")
	})
	t.Run("a fault of the service in a single request is a 500", func(t *testing.T) {
		w := serve(t, func(o *sqs.Options) {
			o.Fault = func(sqs.Entry) *sqs.Fault { return &sqs.Fault{Code: "ServiceUnavailable", Message: "later"} }
		})
		_, err := w.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("x")})
		wantError(t, err, "ServiceUnavailable")
		var response interface{ HTTPStatusCode() int }
		if !errors.As(err, &response) || response.HTTPStatusCode() != 500 {
			t.Errorf("got %v", err)
		}
	})
}

func TestReceive(t *testing.T) {
	t.Run("a message is hidden for its visibility timeout and counted", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		first := w.receive()[0]
		w.clock.add(30*time.Second - 1)
		w.wantBodies()
		w.clock.add(1)
		second := w.receive()[0]
		sent := strconv.FormatInt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli(), 10)
		for i, m := range []types.Message{first, second} {
			if m.Attributes["ApproximateReceiveCount"] != strconv.Itoa(i+1) || m.Attributes["SentTimestamp"] != sent ||
				m.Attributes["ApproximateFirstReceiveTimestamp"] != sent || m.Attributes["SenderId"] != "123456789012" {
				t.Errorf("receipt %d got %v", i+1, m.Attributes)
			}
		}
		if *first.ReceiptHandle == *second.ReceiptHandle {
			t.Error("both receipts have one handle")
		}
	})
	t.Run("attributes come only when asked for", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		out, err := w.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: w.url})
		if err != nil || len(out.Messages) != 1 || len(out.Messages[0].Attributes) != 0 ||
			out.Messages[0].MD5OfMessageAttributes != nil {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("one message unless more are asked for", func(t *testing.T) {
		w := serve(t, nil)
		w.send("1")
		w.send("2")
		out, err := w.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: w.url})
		if err != nil || !slices.Equal(bodies(out.Messages), []string{"1"}) {
			t.Errorf("got %+v, %v", out, err)
		}
	})
	t.Run("a delayed message waits", func(t *testing.T) {
		w := serve(t, nil)
		if _, err := w.SendMessage(t.Context(),
			&sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("x"), DelaySeconds: 10}); err != nil {
			t.Fatal(err)
		}
		w.wantBodies()
		w.clock.add(10 * time.Second)
		w.wantBodies("x")
	})
	t.Run("a visibility timeout of 0 leaves the message visible", func(t *testing.T) {
		w := serve(t, func(o *sqs.Options) { o.Clock = nil })
		w.send("x")
		for range 2 {
			// The SDK leaves out a timeout of 0, so the request is made by hand.
			if body := post(t, w, "AmazonSQS.ReceiveMessage",
				`{"QueueUrl":"`+*w.url+`","VisibilityTimeout":0,"MaxNumberOfMessages":10}`); strings.Count(body,
				`"Body":"x"`) != 1 {
				t.Errorf("got %s", body)
			}
		}
	})
	for name, in := range map[string]*sdk.ReceiveMessageInput{
		"eleven messages":   {MaxNumberOfMessages: 11},
		"more than 20 s":    {WaitTimeSeconds: 21},
		"more than 12 h":    {VisibilityTimeout: 43201},
		"a negative number": {MaxNumberOfMessages: -1},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			w := serve(t, nil)
			in.QueueUrl = w.url
			_, err := w.ReceiveMessage(t.Context(), in)
			wantError(t, err, "InvalidParameterValue")
		})
	}
}

func TestLongPoll(t *testing.T) {
	poll := func(w *world, seconds int32) chan []string {
		result := make(chan []string, 1)
		go func() {
			out, err := w.ReceiveMessage(context.WithoutCancel(w.t.Context()),
				&sdk.ReceiveMessageInput{QueueUrl: w.url, WaitTimeSeconds: seconds})
			if err != nil {
				result <- []string{err.Error()}
				return
			}
			result <- bodies(out.Messages)
		}()
		<-w.clock.asked // it waits
		return result
	}
	t.Run("a message that is sent ends the wait", func(t *testing.T) {
		w := serve(t, nil)
		result := poll(w, 20)
		w.send("x")
		if got := <-result; !slices.Equal(got, []string{"x"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("a message that becomes visible ends the wait", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		w.receive()
		w.clock.add(25 * time.Second)
		result := poll(w, 20)
		w.clock.add(5 * time.Second)
		if got := <-result; !slices.Equal(got, []string{"x"}) {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the time passes without a message", func(t *testing.T) {
		w := serve(t, nil)
		result := poll(w, 20)
		w.clock.add(20 * time.Second)
		if got := <-result; len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("the endpoint's end ends the wait", func(t *testing.T) {
		w := serve(t, nil)
		result := poll(w, 20)
		if err := w.server.Close(); err != nil {
			t.Fatal(err)
		}
		<-result // an empty answer or a connection that is cut
	})
}

func TestDelete(t *testing.T) {
	t.Run("a deleted message never comes back", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		m := w.receive()[0]
		for range 2 { // deleting twice is not an error
			if _, err := w.DeleteMessage(t.Context(),
				&sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.add(time.Hour)
		w.wantBodies()
	})
	t.Run("the handle of an earlier receipt deletes nothing", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		first := w.receive()[0]
		w.clock.add(30 * time.Second)
		w.receive()
		if _, err := w.DeleteMessage(t.Context(),
			&sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: first.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		w.clock.add(30 * time.Second)
		w.wantBodies("x")
	})
	t.Run("a handle of nothing is refused", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		for _, handle := range []string{"nonsense", "1.1.other", "99.1.x", "-1.1.x"} {
			_, err := w.DeleteMessage(t.Context(), &sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: &handle})
			wantError(t, err, "ReceiptHandleIsInvalid")
		}
	})
	t.Run("in a batch each entry is by itself", func(t *testing.T) {
		w := serve(t, nil)
		w.send("1")
		w.send("2")
		got := w.receive()
		out, err := w.DeleteMessageBatch(t.Context(),
			&sdk.DeleteMessageBatchInput{QueueUrl: w.url, Entries: []types.DeleteMessageBatchRequestEntry{
				{Id: aws.String("a"), ReceiptHandle: got[1].ReceiptHandle},
				{Id: aws.String("b"), ReceiptHandle: aws.String("nonsense")}}})
		if err != nil || len(out.Successful) != 1 || len(out.Failed) != 1 ||
			*out.Failed[0].Code != "ReceiptHandleIsInvalid" {
			t.Errorf("got %+v, %v", out, err)
		}
		w.clock.add(time.Minute)
		w.wantBodies("1")
	})
}

func TestChangeVisibility(t *testing.T) {
	change := func(w *world, m types.Message, seconds int32) error {
		_, err := w.ChangeMessageVisibility(w.t.Context(),
			&sdk.ChangeMessageVisibilityInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle,
				VisibilityTimeout: seconds})
		return err
	}
	t.Run("longer", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		if err := change(w, w.receive()[0], 60); err != nil {
			t.Fatal(err)
		}
		w.clock.add(59 * time.Second)
		w.wantBodies()
		w.clock.add(time.Second)
		w.wantBodies("x")
	})
	t.Run("0 gives the message back", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		m := w.receive()[0]
		if err := change(w, m, 0); err != nil {
			t.Fatal(err)
		}
		wantError(t, change(w, m, 10), "AWS.SimpleQueueService.MessageNotInflight")
		w.wantBodies("x")
	})
	t.Run("in a batch", func(t *testing.T) {
		w := serve(t, nil)
		w.send("1")
		w.send("2")
		got := w.receive()
		out, err := w.ChangeMessageVisibilityBatch(t.Context(),
			&sdk.ChangeMessageVisibilityBatchInput{QueueUrl: w.url,
				Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
					{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0},
					{Id: aws.String("b"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 43201}}})
		if err != nil || len(out.Successful) != 1 || len(out.Failed) != 1 ||
			*out.Failed[0].Code != "InvalidParameterValue" {
			t.Errorf("got %+v, %v", out, err)
		}
		w.wantBodies("1")
	})
}

func TestQueues(t *testing.T) {
	t.Run("by name and prefix", func(t *testing.T) {
		w := serve(t, nil)
		if err := w.server.AddQueue(sqs.Queue{Name: "other"}); err != nil {
			t.Fatal(err)
		}
		out, err := w.GetQueueUrl(t.Context(), &sdk.GetQueueUrlInput{QueueName: aws.String("dead-letters")})
		if err != nil || *out.QueueUrl != *w.url {
			t.Errorf("got %+v, %v", out, err)
		}
		list, err := w.ListQueues(t.Context(), &sdk.ListQueuesInput{QueueNamePrefix: aws.String("dead")})
		if err != nil || !slices.Equal(list.QueueUrls, []string{*w.url}) {
			t.Errorf("got %+v, %v", list, err)
		}
		_, err = w.GetQueueUrl(t.Context(), &sdk.GetQueueUrlInput{QueueName: aws.String("none")})
		wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	})
	t.Run("attributes count the messages", func(t *testing.T) {
		w := serve(t, nil)
		for _, body := range []string{"1", "2", "3"} {
			w.send(body)
		}
		if _, err := w.SendMessage(t.Context(),
			&sdk.SendMessageInput{QueueUrl: w.url, MessageBody: aws.String("x"), DelaySeconds: 10}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: w.url}); err != nil {
			t.Fatal(err)
		}
		out, err := w.GetQueueAttributes(t.Context(),
			&sdk.GetQueueAttributesInput{QueueUrl: w.url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "1",
			"ApproximateNumberOfMessagesDelayed": "1",
			"QueueArn":                           "arn:aws:sqs:eu-west-1:123456789012:dead-letters", "VisibilityTimeout": "30",
			"MaximumMessageSize": "1048576",
		} {
			if got := out.Attributes[name]; got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		_, err = w.GetQueueAttributes(t.Context(),
			&sdk.GetQueueAttributesInput{QueueUrl: w.url, AttributeNames: []types.QueueAttributeName{"Nonsense"}})
		wantError(t, err, "InvalidAttributeName")
	})
	t.Run("a purge empties the queue, once a minute", func(t *testing.T) {
		w := serve(t, nil)
		w.send("x")
		m := w.receive()[0]
		w.send("y")
		if _, err := w.PurgeQueue(t.Context(), &sdk.PurgeQueueInput{QueueUrl: w.url}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.DeleteMessage(t.Context(),
			&sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Error(err)
		}
		_, err := w.PurgeQueue(t.Context(), &sdk.PurgeQueueInput{QueueUrl: w.url})
		wantError(t, err, "AWS.SimpleQueueService.PurgeQueueInProgress")
		w.clock.add(time.Minute)
		w.wantBodies()
	})
	t.Run("Messages and the journal are in order", func(t *testing.T) {
		var journal []string
		w := serve(t, func(o *sqs.Options) { o.Journal = func(e sqs.Event) { journal = append(journal, e.Operation) } })
		w.send("1")
		w.send("2")
		m := w.receive()[0]
		if _, err := w.DeleteMessage(t.Context(),
			&sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		w.send("3")
		if want := []string{"SendMessage", "SendMessage", "ReceiveMessage", "ReceiveMessage", "DeleteMessage",
			"SendMessage"}; !slices.Equal(journal, want) {
			t.Errorf("got journal %q, want %q", journal, want)
		}
		got, err := w.server.Messages("dead-letters")
		if err != nil || len(got) != 2 || got[0].Body != "2" || got[0].ReceiveCount != 1 || got[1].Body != "3" ||
			got[1].ReceiveCount != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := w.server.Messages("none"); err == nil {
			t.Error("got no error for a queue that is not there")
		}
	})
	t.Run("wrong queues and addresses are refused at the start", func(t *testing.T) {
		for _, o := range []sqs.Options{
			{Queues: []sqs.Queue{{Name: "a b"}}},
			{Queues: []sqs.Queue{{Name: "a"}, {Name: "a"}}},
			{Queues: []sqs.Queue{{Name: "a", VisibilityTimeout: 13 * time.Hour}}},
			{Listen: "0.0.0.0:0"},
		} {
			if server, err := sqs.Serve(t.Context(), o); err == nil {
				t.Errorf("%+v: got no error", o)
				server.Close()
			}
		}
	})
}

// post sends a request by hand and returns its answer with the status before it.
func post(t *testing.T, w *world, target, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Amz-Target", target)
	return answer(t, request)
}

func answer(t *testing.T, request *http.Request) string {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s ", response.StatusCode, response.Header.Get("x-amzn-query-error"))
	if err := response.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestProtocol(t *testing.T) {
	t.Run("the query protocol is named in the error", func(t *testing.T) {
		w := serve(t, nil)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL,
			strings.NewReader(url.Values{"Action": {"SendMessage"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := answer(t, request); !strings.HasPrefix(got,
			"400 AWS.SimpleQueueService.UnsupportedOperation;Sender ") || !strings.Contains(got, "query protocol") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("web pages are refused", func(t *testing.T) {
		w := serve(t, nil)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", "https://example.com")
		if got := answer(t, request); !strings.HasPrefix(got, "400 AccessDenied;Sender ") {
			t.Errorf("got %s", got)
		}
	})
	for _, c := range []struct{ name, target, body, want string }{
		{"an unknown operation", "AmazonSQS.StartMessageMoveTask", "{}",
			"400 AWS.SimpleQueueService.UnsupportedOperation;Sender "},
		{"another service", "AmazonSNS.SendMessage", "{}", "400 AWS.SimpleQueueService.UnsupportedOperation;Sender "},
		{"no JSON", "AmazonSQS.SendMessage", "{", "400 SerializationException;Sender "},
		{"no UTF-8", "AmazonSQS.SendMessage", "{\"MessageBody\":\"\xff\"}", "400 SerializationException;Sender "},
		{"no queue", "AmazonSQS.SendMessage", "{}", "400 MissingParameter;Sender "},
		{"an endless body", "AmazonSQS.SendMessage", strings.Repeat(" ", 9<<20),
			"400 AWS.SimpleQueueService.BatchRequestTooLong;Sender "},
		{"no visibility timeout", "AmazonSQS.ChangeMessageVisibility", `{"QueueUrl":"x"}`,
			"400 MissingParameter;Sender "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := post(t, serve(t, nil), c.target, c.body); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestConcurrentReceivers(t *testing.T) {
	w := serve(t, func(o *sqs.Options) { o.Clock = nil })
	const messages = 200
	for i := range messages {
		w.send(strconv.Itoa(i))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				out, err := w.ReceiveMessage(t.Context(),
					&sdk.ReceiveMessageInput{QueueUrl: w.url, MaxNumberOfMessages: 10})
				if err != nil {
					t.Error(err)
					return
				}
				if len(out.Messages) == 0 {
					return
				}
				for _, m := range out.Messages {
					mu.Lock()
					seen[*m.Body]++
					mu.Unlock()
					if _, err := w.DeleteMessage(t.Context(),
						&sdk.DeleteMessageInput{QueueUrl: w.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	left, err := w.server.Messages("dead-letters")
	if err != nil || len(left) > 0 || len(seen) != messages {
		t.Errorf("got %d different messages, %d left, %v", len(seen), len(left), err)
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("message %s came %d times", body, n)
		}
	}
}
