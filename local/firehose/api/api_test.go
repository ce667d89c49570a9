package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"

	"firehose-pipeline/internal/awsclient"
	model "firehose-pipeline/local/firehose"
)

// target takes the records that the API lets through.
type target struct {
	mu      sync.Mutex
	records map[string][]string
	result  func(record []byte) Result // nil: taken
	err     error
}

func (x *target) put(_ context.Context, stream string, records [][]byte) ([]Result, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	results := make([]Result, len(records))
	for i, record := range records {
		results[i].RecordID = fmt.Sprintf("id-%d", len(x.records[stream]))
		if x.result != nil {
			results[i] = x.result(record)
		}
		if results[i].ErrorCode == "" {
			x.records[stream] = append(x.records[stream], string(record))
		}
	}
	return results, x.err
}

const lakeProperties = `{
  "DeliveryStreamType": "DirectPut",
  "ExtendedS3DestinationConfiguration": {
    "BucketARN": "arn:aws:s3:::lake", "RoleARN": "arn:aws:iam::000000000000:role/r",
    "BufferingHints": {"IntervalInSeconds": 300, "SizeInMBs": 64},
    "S3BackupConfiguration": {"BucketARN": "arn:aws:s3:::lake", "RoleARN": "arn:aws:iam::000000000000:role/r", "CompressionFormat": "GZIP"},
    "ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [{"ParameterName": "NumberOfRetries", "ParameterValue": "3"}]}]}
  }}`

const searchProperties = `{
  "AmazonopensearchserviceDestinationConfiguration": {
    "DomainARN": "arn:aws:es:us-east-1:000000000000:domain/d", "IndexName": "events", "RoleARN": "arn:aws:iam::000000000000:role/r",
    "S3Configuration": {"BucketARN": "arn:aws:s3:::lake", "RoleARN": "arn:aws:iam::000000000000:role/r"}
  }}`

var created = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// serve starts the API over two streams, a Kinesis one, and what change adds, and returns an SDK client.
func serve(t *testing.T, change func(*Options)) (*firehose.Client, *target, string) {
	t.Helper()
	x := &target{records: map[string][]string{}}
	o := Options{
		Streams: []Stream{
			{Name: "search", ARN: "arn:aws:firehose:us-east-1:000000000000:deliverystream/search",
				Properties: json.RawMessage(searchProperties)},
			{Name: "lake", ARN: "arn:aws:firehose:us-east-1:000000000000:deliverystream/lake", Created: created,
				Encrypted: true, Properties: json.RawMessage(lakeProperties)},
			{Name: "sourced", Type: kinesisSource},
		},
		Put: x.put,
	}
	if change != nil {
		change(&o)
	}
	api, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return firehose.New(firehose.Options{
		BaseEndpoint: &server.URL,
		Region:       "us-east-1",
		Retryer:      aws.NopRetryer{},
		HTTPClient:   awsclient.ReadWhole(server.Client(), &server.URL),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	}), x, server.URL
}

func putRecord(ctx context.Context, c *firehose.Client, stream string, data []byte) (*firehose.PutRecordOutput, error) {
	return c.PutRecord(ctx, &firehose.PutRecordInput{DeliveryStreamName: &stream, Record: &types.Record{Data: data}})
}

func putBatch(ctx context.Context, c *firehose.Client, stream string,
	records ...[]byte) (*firehose.PutRecordBatchOutput, error) {
	in := &firehose.PutRecordBatchInput{DeliveryStreamName: &stream, Records: []types.Record{}}
	for _, record := range records {
		in.Records = append(in.Records, types.Record{Data: record})
	}
	return c.PutRecordBatch(ctx, in)
}

// wantError checks the error's name and message as an SDK sees it.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var apiErr smithy.APIError
	if !errors.As(err, &apiErr) {
		t.Fatalf("got %v, want %s", err, code)
	}
	if apiErr.ErrorCode() != code || apiErr.ErrorMessage() != message {
		t.Errorf("got %s: %s\nwant %s: %s", apiErr.ErrorCode(), apiErr.ErrorMessage(), code, message)
	}
}

func repeat(record []byte, n int) [][]byte {
	records := make([][]byte, n)
	for i := range records {
		records[i] = record
	}
	return records
}

func TestPutRecord(t *testing.T) {
	t.Run("a record is taken as it is and gets an id", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		sent := "{\"a\":\"\x00\xff\"}\n"
		out, err := putRecord(t.Context(), c, "lake", []byte(sent))
		if err != nil {
			t.Fatal(err)
		}
		if *out.RecordId != "id-0" || !*out.Encrypted || len(x.records["lake"]) != 1 || x.records["lake"][0] != sent {
			t.Errorf("got %q, encrypted %t, %q", *out.RecordId, *out.Encrypted, x.records)
		}
	})
	t.Run("without server-side encryption the answer says so", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		out, err := putRecord(t.Context(), c, "search", []byte("{}"))
		if err != nil || *out.Encrypted {
			t.Errorf("got %v, %v", out, err)
		}
	})
	t.Run("1,000 KiB before base64 is the most a record may have", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		if _, err := putRecord(t.Context(), c, "lake", make([]byte, model.MaxRecordBytes)); err != nil {
			t.Error(err)
		}
		_, err := putRecord(t.Context(), c, "lake", make([]byte, model.MaxRecordBytes+1))
		wantError(t, err, "ValidationException",
			"1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]' at "+
				"'record.data' failed to satisfy constraint: Member must have length less than or equal to 1024000")
		if len(x.records["lake"]) != 1 {
			t.Errorf("%d records taken, want 1", len(x.records["lake"]))
		}
	})
	t.Run("an unknown stream is not found", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := putRecord(t.Context(), c, "lakes", []byte("{}"))
		wantError(t, err, "ResourceNotFoundException", "Firehose lakes under account 000000000000 not found.")
		var typed *types.ResourceNotFoundException
		if !errors.As(err, &typed) {
			t.Errorf("got %T", err)
		}
	})
	t.Run("a stream with a Kinesis source takes no puts", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := putRecord(t.Context(), c, "sourced", []byte("{}"))
		wantError(t, err, "InvalidArgumentException",
			"This operation is not permitted on KinesisStreamAsSource delivery stream type.")
	})
	t.Run("a stream's name has 1 to 64 of its characters", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := putRecord(t.Context(), c, "my stream", []byte("{}"))
		wantError(t, err, "ValidationException",
			"1 validation error detected: Value 'my stream' at 'deliveryStreamName' failed to satisfy constraint: "+
				"Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
		long := strings.Repeat("x", 65)
		_, err = putRecord(t.Context(), c, long, []byte("{}"))
		wantError(t, err, "ValidationException",
			"1 validation error detected: Value '"+long+
				"' at 'deliveryStreamName' failed to satisfy constraint: Member must have length less than or equal to 64")
	})
	t.Run("a record that the target refuses fails with its code", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		x.result = func([]byte) Result { return Result{ErrorCode: serviceUnavailable, ErrorMessage: slowDown} }
		_, err := putRecord(t.Context(), c, "lake", []byte("{}"))
		wantError(t, err, serviceUnavailable, slowDown)
	})
	t.Run("a target that fails is an internal failure", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		x.err = errors.New("disk full")
		_, err := putRecord(t.Context(), c, "lake", []byte("{}"))
		wantError(t, err, internalFailure, "disk full")
	})
}

func TestPutRecordBatch(t *testing.T) {
	t.Run("every record gets an answer in its place", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		x.result = func(record []byte) Result {
			if string(record) == "2" {
				return Result{ErrorCode: internalFailure, ErrorMessage: "Internal service failure."}
			}
			return Result{RecordID: "id-of-" + string(record)}
		}
		out, err := putBatch(t.Context(), c, "lake", []byte("1"), []byte("2"), []byte("3"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range out.RequestResponses {
			got = append(got, aws.ToString(r.RecordId)+aws.ToString(r.ErrorCode))
		}
		if *out.FailedPutCount != 1 || fmt.Sprint(got) != "[id-of-1 InternalFailure id-of-3]" || !*out.Encrypted {
			t.Errorf("got %d failed, %q", *out.FailedPutCount, got)
		}
	})
	t.Run("500 records are the most", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		if _, err := putBatch(t.Context(), c, "lake", repeat([]byte("{}"), 500)...); err != nil {
			t.Error(err)
		}
		_, err := putBatch(t.Context(), c, "lake", repeat([]byte("{}"), 501)...)
		wantError(t, err, "ValidationException",
			"1 validation error detected: Value '[501 records]' at 'records' failed to satisfy constraint: Member "+
				"must have length less than or equal to 500")
		if len(x.records["lake"]) != 500 {
			t.Errorf("%d records taken, want 500", len(x.records["lake"]))
		}
	})
	t.Run("one record is the least", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := putBatch(t.Context(), c, "lake")
		wantError(t, err, "ValidationException",
			"1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have "+
				"length greater than or equal to 1")
	})
	t.Run("4 MiB before base64 are the most a call may have", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		exact := append(repeat(make([]byte, model.MaxRecordBytes), 4),
			make([]byte, model.MaxBatchBytes-4*model.MaxRecordBytes))
		if _, err := putBatch(t.Context(), c, "lake", exact...); err != nil {
			t.Error(err)
		}
		_, err := putBatch(t.Context(), c, "lake", append(exact, []byte("x"))...)
		wantError(t, err, "InvalidArgumentException", "Records size exceeds 4 MB limit")
		if len(x.records["lake"]) != 5 {
			t.Errorf("%d records taken, want 5", len(x.records["lake"]))
		}
	})
	t.Run("one record above its limit refuses the whole call, and every one is named", func(t *testing.T) {
		c, x, _ := serve(t, nil)
		large := make([]byte, model.MaxRecordBytes+1)
		_, err := putBatch(t.Context(), c, "lake", []byte("{}"), large, large)
		wantError(t, err, "ValidationException", "2 validation errors detected: "+
			"Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]' at 'records.2.member.data' failed to "+
			"satisfy constraint: Member must have length less than or equal to 1024000; "+
			"Value 'java.nio.HeapByteBuffer[pos=0 lim=1024001 cap=1024001]' at 'records.3.member.data' failed to "+
			"satisfy constraint: Member must have length less than or equal to 1024000")
		if len(x.records["lake"]) != 0 {
			t.Errorf("%d records taken, want none", len(x.records["lake"]))
		}
	})
	t.Run("of records beyond a batch only the number is told", func(t *testing.T) {
		api, err := New(Options{Put: (&target{}).put})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/",
			strings.NewReader(`{"DeliveryStreamName":"lake","Records":[`+strings.Repeat("null,", 200_000)+
				`{"Data":""}]}`))
		r.Header.Set("X-Amz-Target", TargetPrefix+"PutRecordBatch")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != 400 || w.Body.Len() > 100<<10 || !strings.Contains(w.Body.String(), "'[200001 records]'") ||
			!strings.Contains(w.Body.String(), "'records.500.member'") {
			t.Errorf("got %d, %d bytes: %.200s", w.Code, w.Body.Len(), w.Body)
		}
	})
	t.Run("an unknown stream is not found", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := putBatch(t.Context(), c, "lakes", []byte("{}"))
		wantError(t, err, "ResourceNotFoundException", "Firehose lakes under account 000000000000 not found.")
	})
}

func TestQuota(t *testing.T) {
	now := created
	clock := func() time.Time { return now }
	quota := func(q Quota) func(*Options) { return func(o *Options) { o.Quota, o.Now = &q, clock } }

	t.Run("requests beyond the quota are refused whole, until time has passed", func(t *testing.T) {
		c, x, _ := serve(t, quota(Quota{Bytes: 1 << 30, Requests: 2, Records: 1 << 30}))
		for i := range 3 {
			_, err := putRecord(t.Context(), c, "lake", []byte("{}"))
			if i < 2 {
				if err != nil {
					t.Fatal(err)
				}
				continue
			}
			wantError(t, err, serviceUnavailable, slowDown)
			var typed *types.ServiceUnavailableException
			if !errors.As(err, &typed) {
				t.Errorf("got %T", err)
			}
		}
		now = now.Add(500 * time.Millisecond)
		if _, err := putRecord(t.Context(), c, "lake", []byte("{}")); err != nil {
			t.Error(err)
		}
		if len(x.records["lake"]) != 3 {
			t.Errorf("%d records taken, want 3", len(x.records["lake"]))
		}
	})
	t.Run("records beyond the quota fail one by one", func(t *testing.T) {
		c, x, _ := serve(t, quota(Quota{Bytes: 1 << 30, Requests: 1000, Records: 700}))
		for _, want := range []int32{0, 300} {
			out, err := putBatch(t.Context(), c, "lake", repeat([]byte("{}"), 500)...)
			if err != nil {
				t.Fatal(err)
			}
			if *out.FailedPutCount != want {
				t.Errorf("%d failed, want %d", *out.FailedPutCount, want)
			}
			for i, r := range out.RequestResponses {
				failed := i >= 500-int(want)
				if failed != (aws.ToString(r.ErrorCode) == serviceUnavailable && *r.ErrorMessage == slowDown) ||
					failed == (r.RecordId != nil) {
					t.Fatalf("record %d got %+v", i, r)
				}
			}
		}
		if len(x.records["lake"]) != 700 {
			t.Errorf("%d records taken, want 700", len(x.records["lake"]))
		}
	})
	t.Run("bytes beyond the quota are refused, but one whole batch passes", func(t *testing.T) {
		throttle := newThrottle(&DefaultQuota, clock)
		whole := repeat(make([]byte, model.MaxBatchBytes/8), 8)
		if taken, ok := throttle.takeTokens(whole); taken != 8 || !ok {
			t.Errorf("got %d, %t", taken, ok)
		}
		if taken, ok := throttle.takeTokens(whole); taken != 0 || ok {
			t.Errorf("at once: got %d, %t", taken, ok)
		}
		now = now.Add(time.Second)
		if taken, ok := throttle.takeTokens(whole); taken != 2 || !ok {
			t.Errorf("after a second: got %d, %t", taken, ok)
		}
	})
	t.Run("each stream has its own quota", func(t *testing.T) {
		c, _, _ := serve(t, quota(Quota{Bytes: 1, Requests: 1, Records: 1}))
		for _, stream := range []string{"lake", "search"} {
			if _, err := putRecord(t.Context(), c, stream, []byte("{}")); err != nil {
				t.Error(err)
			}
		}
		_, err := putRecord(t.Context(), c, "lake", []byte("{}"))
		wantError(t, err, serviceUnavailable, slowDown)
	})
}

func TestListDeliveryStreams(t *testing.T) {
	many := func(o *Options) {
		for i := range 10 {
			o.Streams = append(o.Streams, Stream{Name: fmt.Sprintf("a%d", i)})
		}
	}
	list := func(t *testing.T, in firehose.ListDeliveryStreamsInput) string {
		c, _, _ := serve(t, many)
		out, err := c.ListDeliveryStreams(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(out.DeliveryStreamNames, *out.HasMoreDeliveryStreams)
	}
	for _, c := range []struct {
		rule string
		in   firehose.ListDeliveryStreamsInput
		want string
	}{
		{"names come in order, ten by default", firehose.ListDeliveryStreamsInput{},
			"[a0 a1 a2 a3 a4 a5 a6 a7 a8 a9] true"},
		{"the list begins behind a name", firehose.ListDeliveryStreamsInput{ExclusiveStartDeliveryStreamName: aws.String("a9")}, "[lake search sourced] false"},
		{"the name to begin behind need not exist",
			firehose.ListDeliveryStreamsInput{ExclusiveStartDeliveryStreamName: aws.String("b")},
			"[lake search sourced] false"},
		{"behind the last there is nothing", firehose.ListDeliveryStreamsInput{ExclusiveStartDeliveryStreamName: aws.String("z")}, "[] false"},
		{"a limit cuts", firehose.ListDeliveryStreamsInput{Limit: aws.Int32(2)}, "[a0 a1] true"},
		{"a limit that fits leaves nothing", firehose.ListDeliveryStreamsInput{Limit: aws.Int32(13)},
			"[a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 lake search sourced] false"},
		{"a type selects", firehose.ListDeliveryStreamsInput{DeliveryStreamType: kinesisSource}, "[sourced] false"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := list(t, c.in); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("what the model's constraints refuse", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := c.ListDeliveryStreams(t.Context(),
			&firehose.ListDeliveryStreamsInput{Limit: aws.Int32(0), DeliveryStreamType: "Direct"})
		wantError(t, err, "ValidationException", "2 validation errors detected: "+
			"Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1; "+
			"Value 'Direct' at 'deliveryStreamType' failed to satisfy constraint: Member must satisfy enum value "+
			"set: [DirectPut, KinesisStreamAsSource, MSKAsSource, DatabaseAsSource]")
	})
}

func TestDescribeDeliveryStream(t *testing.T) {
	describe := func(t *testing.T, in firehose.DescribeDeliveryStreamInput) *types.DeliveryStreamDescription {
		c, _, _ := serve(t, nil)
		out, err := c.DescribeDeliveryStream(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out.DeliveryStreamDescription
	}
	t.Run("a lake stream", func(t *testing.T) {
		d := describe(t, firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("lake")})
		if d.DeliveryStreamStatus != "ACTIVE" || d.DeliveryStreamType != directPut || *d.VersionId != "1" ||
			*d.HasMoreDestinations ||
			*d.DeliveryStreamARN != "arn:aws:firehose:us-east-1:000000000000:deliverystream/lake" ||
			!d.CreateTimestamp.Equal(created) ||
			d.DeliveryStreamEncryptionConfiguration.Status != "ENABLED" {
			t.Errorf("got %+v", d)
		}
		s3 := d.Destinations[0].ExtendedS3DestinationDescription
		if *d.Destinations[0].DestinationId != destinationID || *s3.BucketARN != "arn:aws:s3:::lake" ||
			*s3.BufferingHints.SizeInMBs != 64 || s3.CompressionFormat != "UNCOMPRESSED" ||
			s3.EncryptionConfiguration.NoEncryptionConfig != "NoEncryption" ||
			s3.S3BackupDescription.CompressionFormat != "GZIP" ||
			!*s3.ProcessingConfiguration.Enabled ||
			*s3.ProcessingConfiguration.Processors[0].Parameters[0].ParameterValue != "3" {
			t.Errorf("got %+v", s3)
		}
	})
	t.Run("a search stream", func(t *testing.T) {
		d := describe(t, firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("search")})
		search := d.Destinations[0].AmazonopensearchserviceDestinationDescription
		if d.DeliveryStreamEncryptionConfiguration != nil || *search.IndexName != "events" ||
			search.S3DestinationDescription.CompressionFormat != "UNCOMPRESSED" {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("behind the only destination there is none", func(t *testing.T) {
		d := describe(t, firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("lake"),
			ExclusiveStartDestinationId: aws.String(destinationID)})
		if len(d.Destinations) != 0 {
			t.Errorf("got %+v", d.Destinations)
		}
	})
	t.Run("an unknown stream is not found", func(t *testing.T) {
		c, _, _ := serve(t, nil)
		_, err := c.DescribeDeliveryStream(t.Context(),
			&firehose.DescribeDeliveryStreamInput{DeliveryStreamName: aws.String("x")})
		wantError(t, err, "ResourceNotFoundException", "Firehose x under account 000000000000 not found.")
	})
	t.Run("properties that are no JSON are refused at the start", func(t *testing.T) {
		_, err := New(Options{Put: (&target{}).put, Streams: []Stream{{Name: "x", Properties: json.RawMessage("{")}}})
		if err == nil || err.Error() != "serving firehose: properties of stream x: must be json" {
			t.Errorf("got %v", err)
		}
	})
}

// TestProtocol has requests that no SDK would send.
func TestProtocol(t *testing.T) {
	_, x, url := serve(t, nil)
	call := func(t *testing.T, target, body string, headers ...string) (*http.Response, map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		if target != "" {
			r.Header.Set("X-Amz-Target", target)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return response, out
	}
	for _, c := range []struct {
		rule, target, body, name, message string
	}{
		{"a call without a target", "", `{}`, "UnknownOperationException",
			"this local endpoint knows PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams " +
				"(got no X-Amz-Target header)"},
		{"an operation that is not modelled", "Firehose_20150804.DeleteDeliveryStream", `{}`,
			"UnknownOperationException", "this local endpoint knows PutRecord, PutRecordBatch, " +
				"DescribeDeliveryStream and ListDeliveryStreams (got Firehose_20150804.DeleteDeliveryStream)"},
		{"another service's operation", "Kinesis_20131202.PutRecord", `{}`, "UnknownOperationException",
			"this local endpoint knows PutRecord, PutRecordBatch, DescribeDeliveryStream and ListDeliveryStreams " +
				"(got Kinesis_20131202.PutRecord)"},
		{"a body that is no JSON", "Firehose_20150804.PutRecord", `{"DeliveryStreamName":`, "SerializationException",
			"the request must be a JSON object: unexpected end at byte 22"},
		{"an empty body", "Firehose_20150804.PutRecord", ``, "SerializationException",
			"the request must be a JSON object: unexpected end at byte 0"},
		{"a body that is no object", "Firehose_20150804.ListDeliveryStreams", `null`, "SerializationException",
			"the request must be a JSON object: not an object at byte 0"},
		{"something behind the object", "Firehose_20150804.ListDeliveryStreams", `{} {}`, "SerializationException",
			"the request must be a JSON object: invalid syntax at byte 3"},
		{"records that are no array", "Firehose_20150804.PutRecordBatch", `{"DeliveryStreamName":"lake","Records":{}}`,
			"SerializationException", "Records: must be an array"},
		{"a record that is no object", "Firehose_20150804.PutRecordBatch",
			`{"DeliveryStreamName":"lake","Records":[{"Data":""}, "e30="]}`, "SerializationException",
			"a record must be a JSON object"},
		{"data that is no string", "Firehose_20150804.PutRecordBatch",
			`{"DeliveryStreamName":"lake","Records":[ {"Data":{}} ]}`, "SerializationException",
			"Data: must be base64 in a string"},
		{"a name that is a number", "Firehose_20150804.PutRecord", `{"DeliveryStreamName":5}`, "SerializationException",
			"DeliveryStreamName: json: cannot unmarshal number into Go value of type string"},
		{"data that is not base64", "Firehose_20150804.PutRecord",
			`{"DeliveryStreamName":"lake","Record":{"Data":"{}"}}`, "SerializationException",
			"Data: must be base64: illegal base64 data at input byte 0"},
		{"everything missing", "Firehose_20150804.PutRecord", `{}`, "ValidationException",
			"2 validation errors detected: Value null at 'deliveryStreamName' failed to satisfy constraint: Member " +
				"must not be null; Value null at 'record' failed to satisfy constraint: Member must not be null"},
		{"data missing", "Firehose_20150804.PutRecord", `{"DeliveryStreamName":"lake","Record":{}}`,
			"ValidationException", "1 validation error detected: Value null at 'record.data' failed to satisfy " +
				"constraint: Member must not be null"},
		{"names are case-sensitive", "Firehose_20150804.PutRecord",
			`{"DeliveryStreamName":"lake","Record":{"data":"e30="}}`, "ValidationException",
			"1 validation error detected: Value null at 'record.data' failed to satisfy constraint: Member must not be null"},
		{"an empty name", "Firehose_20150804.PutRecordBatch", `{"DeliveryStreamName":"","Records":[{"Data":"e30="}]}`,
			"ValidationException", "2 validation errors detected: Value '' at 'deliveryStreamName' failed to " +
				"satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at " +
				"'deliveryStreamName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{"records missing, or null in the list", "Firehose_20150804.PutRecordBatch",
			`{"DeliveryStreamName":"lake","Records":[{"Data":"e30="},null]}`, "ValidationException",
			"1 validation error detected: Value null at 'records.2.member' failed to satisfy constraint: Member " +
				"must not be null"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			response, out := call(t, c.target, c.body)
			if response.StatusCode != http.StatusBadRequest || out["__type"] != c.name || out["message"] != c.message {
				t.Errorf("got %d %v\nwant %s: %s", response.StatusCode, out, c.name, c.message)
			}
		})
	}
	t.Run("answers have a request id and the protocol's content type", func(t *testing.T) {
		response, out := call(t, "Firehose_20150804.PutRecord",
			`{"DeliveryStreamName":"lake","Record":{"Data":""},"More":[1]}`)
		h := response.Header
		if response.StatusCode != http.StatusOK || out["RecordId"] != "id-0" || len(h.Get("x-amzn-RequestId")) != 36 ||
			h.Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("got %d %v %v", response.StatusCode, out, h)
		}
	})
	t.Run("base64 may be written with escapes", func(t *testing.T) {
		_, out := call(t, "Firehose_20150804.PutRecord",
			`{"DeliveryStreamName":"search","Record":{"Data":"\u0065\/8="}}`)
		if got := x.records["search"]; out["RecordId"] != "id-0" || len(got) != 1 || got[0] != "\x7b\xff" {
			t.Errorf("got %v, %q", out, got)
		}
	})
	t.Run("faults of the service have the status 500", func(t *testing.T) {
		x.err = errors.New("disk full")
		defer func() { x.err = nil }()
		response, out := call(t, "Firehose_20150804.PutRecord",
			`{"DeliveryStreamName":"lake","Record":{"Data":"e30="}}`)
		if response.StatusCode != http.StatusInternalServerError || out["__type"] != internalFailure {
			t.Errorf("got %d %v", response.StatusCode, out)
		}
	})
	t.Run("a web page is refused", func(t *testing.T) {
		response, out := call(t, "Firehose_20150804.ListDeliveryStreams", `{}`, "Origin", "https://example.com")
		if response.StatusCode != http.StatusBadRequest || out["__type"] != "AccessDeniedException" {
			t.Errorf("got %d %v", response.StatusCode, out)
		}
	})
	t.Run("a request of any length gets an answer", func(t *testing.T) {
		api, err := New(Options{Put: x.put})
		if err != nil {
			t.Fatal(err)
		}
		api.requestLimit = 1000
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("0", 5000)))
		r.Header.Set("X-Amz-Target", "Firehose_20150804.PutRecord")
		api.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge ||
			!strings.Contains(w.Body.String(), `"__type":"RequestEntityTooLargeException"`) {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
		if rest, err := io.ReadAll(r.Body); err != nil || len(rest) > 0 {
			t.Errorf("%d bytes left unread, %v", len(rest), err)
		}
	})
}
