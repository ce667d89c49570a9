package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"

	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/local/awsjson"
	model "firehose-pipeline/local/kinesis"
)

var begin = time.Date(2026, 9, 21, 10, 0, 0, 0, time.UTC)

const (
	name = "shop-dev-DataStream"
	arn  = "arn:aws:kinesis:us-east-1:000000000000:stream/" + name
)

// serve serves a stream; put, when set, replaces its own.
func serve(t *testing.T, throttle bool, put func([]model.Record) ([]model.Result, error)) (*model.Stream, *kinesis.Client,
	*httptest.Server) {
	t.Helper()
	s := model.New(model.Options{Name: name, ARN: arn, AccountID: "000000000000", Retention: 48 * time.Hour,
		Created: begin, Encrypted: true, Throttle: throttle, Keep: true})
	a := &API{Stream: s, Put: func(_ context.Context, records []model.Record) ([]model.Result, error) {
		if put != nil {
			return put(records)
		}
		results := make([]model.Result, len(records))
		for i, r := range records {
			results[i] = s.Put(r, begin)
		}
		return results, nil
	}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	client := kinesis.New(kinesis.Options{BaseEndpoint: &server.URL, Region: "us-east-1", Retryer: aws.NopRetryer{},
		HTTPClient: awsclient.ReadWhole(server.Client(), &server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})})
	return s, client, server
}

func entries(n int) []types.PutRecordsRequestEntry {
	all := make([]types.PutRecordsRequestEntry, n)
	for i := range all {
		all[i] = types.PutRecordsRequestEntry{Data: fmt.Appendf(nil, "record %d", i), PartitionKey: aws.String(fmt.Sprint(i))}
	}
	return all
}

// readAll reads every shard from a place on, through the API.
func readAll(t *testing.T, client *kinesis.Client, from types.ShardIteratorType) (data []string) {
	t.Helper()
	shards, err := client.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range shards.Shards {
		at, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamARN: aws.String(arn),
			ShardId: shard.ShardId, ShardIteratorType: from})
		if err != nil {
			t.Fatal(err)
		}
		for next := at.ShardIterator; next != nil; {
			page, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(100)})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				if r.EncryptionType != types.EncryptionTypeKms || !r.ApproximateArrivalTimestamp.Equal(begin) {
					t.Fatalf("got %+v", r)
				}
				data = append(data, string(r.Data))
			}
			if next = page.NextShardIterator; len(page.Records) == 0 {
				break
			}
		}
	}
	return data
}

func TestPutAndRead(t *testing.T) {
	s, client, _ := serve(t, false, nil)
	one, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: aws.String(name), Data: []byte("one"),
		PartitionKey: aws.String("k"), ExplicitHashKey: aws.String("0")})
	if err != nil || *one.ShardId != "shardId-000000000000" || len(*one.SequenceNumber) != 56 ||
		one.EncryptionType != types.EncryptionTypeKms {
		t.Fatalf("got %+v, %v", one, err)
	}
	many, err := client.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamARN: aws.String(arn), Records: entries(500)})
	if err != nil || *many.FailedRecordCount != 0 || len(many.Records) != 500 {
		t.Fatalf("got %+v, %v", many, err)
	}
	got := readAll(t, client, types.ShardIteratorTypeTrimHorizon)
	slices.Sort(got)
	want := []string{"one"}
	for i := range 500 {
		want = append(want, fmt.Sprintf("record %d", i))
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("must read the 501 records put (got %d)", len(got))
	}
	if got := readAll(t, client, types.ShardIteratorTypeLatest); len(got) != 0 {
		t.Errorf("LATEST: must read nothing (got %d)", len(got))
	}
	if !s.Split(0) {
		t.Fatal("must split")
	}
	after, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String(name),
		ShardId: aws.String("shardId-000000000000"), ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber,
		StartingSequenceNumber: one.SequenceNumber})
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: after.ShardIterator})
	if err != nil || page.NextShardIterator != nil || len(page.ChildShards) != 2 || len(page.Records) == 0 ||
		string(page.Records[0].Data) == "one" {
		t.Errorf("a closed shard ends with its children (got %+v, %v)", page, err)
	}
}

func TestDescriptions(t *testing.T) {
	s, client, _ := serve(t, false, nil)
	s.Split(1)
	described, err := client.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: aws.String(name),
		Limit: aws.Int32(4)})
	if err != nil {
		t.Fatal(err)
	}
	d := described.StreamDescription
	if *d.StreamName != name || *d.StreamARN != arn || d.StreamStatus != types.StreamStatusActive ||
		*d.RetentionPeriodHours != 48 || d.StreamModeDetails.StreamMode != types.StreamModeOnDemand ||
		len(d.Shards) != 4 || !*d.HasMoreShards || !d.StreamCreationTimestamp.Equal(begin) {
		t.Errorf("got %+v", d)
	}
	if d.Shards[1].SequenceNumberRange.EndingSequenceNumber == nil || d.Shards[0].SequenceNumberRange.EndingSequenceNumber != nil {
		t.Errorf("only a closed shard has a last sequence number (got %+v)", d.Shards)
	}
	summary, err := client.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(name)})
	if err != nil || *summary.StreamDescriptionSummary.OpenShardCount != 5 {
		t.Errorf("got %+v, %v", summary, err)
	}
	open, err := client.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: aws.String(name), MaxResults: aws.Int32(3),
		ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}})
	if err != nil || len(open.Shards) != 3 || open.NextToken == nil || *open.Shards[1].ShardId != "shardId-000000000002" {
		t.Errorf("got %+v, %v", open, err)
	}
	rest, err := client.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: open.NextToken})
	if err != nil || len(rest.Shards) != 2 || *rest.Shards[0].ParentShardId != "shardId-000000000001" {
		t.Errorf("got %+v, %v", rest, err)
	}
	streams, err := client.ListStreams(t.Context(), &kinesis.ListStreamsInput{})
	if err != nil || !slices.Equal(streams.StreamNames, []string{name}) {
		t.Errorf("got %+v, %v", streams, err)
	}
}

func TestErrors(t *testing.T) {
	_, client, server := serve(t, true, nil)
	put := func(name, key string, size int) error {
		_, err := client.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: &name, PartitionKey: &key,
			Data: make([]byte, size)})
		return err
	}
	many := func(entries []types.PutRecordsRequestEntry) error {
		_, err := client.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String(name), Records: entries})
		return err
	}
	large := make([]types.PutRecordsRequestEntry, 11)
	for i := range large {
		large[i] = types.PutRecordsRequestEntry{Data: make([]byte, 1<<20-1), PartitionKey: aws.String("k")}
	}
	iterator := func(kind types.ShardIteratorType, shard string, number *string) error {
		_, err := client.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{StreamName: aws.String(name),
			ShardId: &shard, ShardIteratorType: kind, StartingSequenceNumber: number})
		return err
	}
	for _, c := range []struct {
		rule string
		err  error
		want string
	}{
		{"an unknown stream", put("other", "k", 1), "ResourceNotFoundException: Stream other under account 000000000000 not found."},
		{"a name with a blank", put("my stream", "k", 1), "ValidationException"},
		{"a key of 257 characters", put(name, strings.Repeat("é", 257), 1), "ValidationException"},
		{"an empty key", put(name, "", 1), "ValidationException"},
		{"a record above 1 MiB with its key", put(name, "k", 1<<20), "InvalidArgumentException"},
		{"501 records", many(entries(501)), "ValidationException"},
		{"no record", many([]types.PutRecordsRequestEntry{}), "ValidationException"},
		{"a batch above 10 MiB", many(large), "InvalidArgumentException"},
		{"a shard that is not there", iterator("LATEST", "shardId-000000000009", nil), "ResourceNotFoundException"},
		{"a shard id of another form", iterator("LATEST", "9", nil), "ResourceNotFoundException"},
		{"no sequence number", iterator("AT_SEQUENCE_NUMBER", "shardId-000000000000", nil), "InvalidArgumentException"},
		{"another's sequence number", iterator("AT_SEQUENCE_NUMBER", "shardId-000000000000", aws.String("12")),
			"InvalidArgumentException"},
		{"an unknown place", iterator("SOMEWHERE", "shardId-000000000000", nil), "ValidationException"},
		{"an operation that is not modelled", func() error {
			_, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("x")})
			return err
		}(), "UnknownOperationException"},
	} {
		var answered smithy.APIError
		if !errors.As(c.err, &answered) || !strings.HasPrefix(answered.ErrorCode()+": "+answered.ErrorMessage(), c.want) {
			t.Errorf("%s: got %v, want %s", c.rule, c.err, c.want)
		}
	}
	for body, want := range map[string]string{`{"StreamName":"` + name + `","Data":"eA=="}`: "partitionKey",
		`{"StreamName":"` + name + `","PartitionKey":"k"}`: "data", `{"PartitionKey":"k","Data":"eA=="}`: "StreamName or StreamARN",
		`{"PartitionKey":"k","Data":"*"}`: "SerializationException", `[`: "SerializationException"} {
		status, answer := post(t, server.URL, awsjson.MediaType, "PutRecord", []byte(body), nil)
		if status != http.StatusBadRequest || !strings.Contains(string(answer), want) {
			t.Errorf("%s: got %d %s, want %s", body, status, answer, want)
		}
	}
	if status, answer := post(t, server.URL, awsjson.MediaType, "ListStreams", []byte(`{}`), http.Header{"Origin": {"https://a.b"}}); status !=
		http.StatusBadRequest || !strings.Contains(string(answer), "web pages are refused") {
		t.Errorf("a web page: got %d %s", status, answer)
	}
}

func post(t *testing.T, url, kind, operation string, body []byte, more http.Header) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("X-Amz-Target", TargetPrefix+operation)
	for name, values := range more {
		r.Header[name] = values
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.Header.Get("Content-Type") != kind {
		t.Fatalf("got %s, %v", response.Header, err)
	}
	return response.StatusCode, answer
}

func TestThrottledRecordsFailAlone(t *testing.T) {
	_, client, _ := serve(t, true, nil)
	var failed, accepted int
	for range 12 {
		out, err := client.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String(name), Records: entries(500)})
		if err != nil {
			t.Fatal(err)
		}
		failed += int(*out.FailedRecordCount)
		for _, r := range out.Records {
			if r.ErrorCode == nil {
				accepted++
			} else if *r.ErrorCode != model.Throttled || r.SequenceNumber != nil {
				t.Fatalf("got %+v", r)
			}
		}
	}
	if accepted+failed != 6000 || accepted > 4*model.ShardRecords || accepted < 3500 {
		t.Errorf("of 6,000 records 4 shards accept 4,000 in a second (got %d, %d failed)", accepted, failed)
	}
}

func TestLostResponse(t *testing.T) {
	_, client, _ := serve(t, false, func([]model.Record) ([]model.Result, error) { return nil, model.ErrResponseLost })
	_, err := client.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: aws.String(name), Records: entries(1)})
	var answered smithy.APIError
	if err == nil || errors.As(err, &answered) {
		t.Errorf("the connection must be cut without an answer (got %v)", err)
	}
}

// The SDK for Java sends the same calls as CBOR.
func TestCBOR(t *testing.T) {
	_, _, server := serve(t, false, nil)
	body, err := cbor.Marshal(map[string]any{"StreamName": name, "Records": []any{
		map[string]any{"Data": []byte(`{"a":1}`), "PartitionKey": "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := post(t, server.URL, cborType, "PutRecords", body, nil)
	var put struct {
		FailedRecordCount int
		Records           []struct{ ShardId, SequenceNumber string }
	}
	if err := cbor.Unmarshal(answer, &put); err != nil || status != http.StatusOK || len(put.Records) != 1 ||
		put.FailedRecordCount != 0 {
		t.Fatalf("got %d %x, %v", status, answer, err)
	}
	shard := put.Records[0].ShardId
	iterate, err := cbor.Marshal(map[string]any{"StreamName": name, "ShardId": shard, "ShardIteratorType": "AT_TIMESTAMP",
		"Timestamp": cbor.Tag{Number: 1, Content: begin.UnixMilli()}})
	if err != nil {
		t.Fatal(err)
	}
	status, answer = post(t, server.URL, cborType, "GetShardIterator", iterate, nil)
	var at struct{ ShardIterator string }
	if err := cbor.Unmarshal(answer, &at); err != nil || status != http.StatusOK {
		t.Fatalf("got %d %x, %v", status, answer, err)
	}
	read, err := cbor.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	_, answer = post(t, server.URL, cborType, "GetRecords", read, nil)
	var page struct {
		Records []struct {
			Data                        []byte
			ApproximateArrivalTimestamp cbor.Tag
		}
	}
	if err := cbor.Unmarshal(answer, &page); err != nil || len(page.Records) != 1 ||
		string(page.Records[0].Data) != `{"a":1}` ||
		fmt.Sprint(page.Records[0].ApproximateArrivalTimestamp.Content) != fmt.Sprint(begin.UnixMilli()) {
		t.Errorf("got %+v, %v", page, err)
	}
	unknown, err := cbor.Marshal(map[string]any{"StreamName": "other"})
	if err != nil {
		t.Fatal(err)
	}
	status, answer = post(t, server.URL, cborType, "DescribeStream", unknown, nil)
	var failed map[string]string
	if err := cbor.Unmarshal(answer, &failed); err != nil || status != 400 || failed["__type"] != "ResourceNotFoundException" {
		t.Errorf("got %d %v, %v", status, failed, err)
	}
}

func TestIteratorsExpire(t *testing.T) {
	now := begin
	a := &API{Stream: model.New(model.Options{Created: begin}), Now: func() time.Time { return now }}
	text := a.iterator(2, 7)
	if shard, position, failed := a.parseIterator(text); failed != nil || shard != 2 || position != 7 {
		t.Errorf("got %d, %d, %v", shard, position, failed)
	}
	now = begin.Add(5*time.Minute + time.Second)
	if _, _, failed := a.parseIterator(text); failed == nil || failed.Name != "ExpiredIteratorException" {
		t.Errorf("got %v", failed)
	}
	if _, _, failed := a.parseIterator("x"); failed == nil || failed.Name != "InvalidArgumentException" {
		t.Errorf("got %v", failed)
	}
}
