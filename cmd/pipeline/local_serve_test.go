package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"firehose-pipeline/deadletter"
	"firehose-pipeline/event"
	"firehose-pipeline/internal/awsclient"
	"firehose-pipeline/internal/testkit/shopschema"
	"firehose-pipeline/local"
	"firehose-pipeline/local/endpoint"
)

// clients are of the three APIs, all on one address.
type clients struct {
	firehose *firehose.Client
	s3       *s3.Client
	sqs      *sqs.Client
	url, out string
}

// serveStack opens the project's own stack behind one address.
func serveStack(t *testing.T) (*local.Pipeline, clients) {
	t.Helper()
	return serveFunctions(t, buildStack(t).functions)
}

// serveFunctions does so with other functions than the project's.
func serveFunctions(t *testing.T, functions map[string]string) (*local.Pipeline, clients) {
	t.Helper()
	template, err := readTemplate(buildStack(t).template)
	if err != nil {
		t.Fatal(err)
	}
	return serveTemplate(t, template.Template, template.StackName, functions)
}

// serveTemplate serves the stack of a template.
func serveTemplate(t *testing.T, text []byte, name string, functions map[string]string) (*local.Pipeline, clients) {
	t.Helper()
	out := t.TempDir()
	p, err := local.Open(t.Context(), local.Options{Template: text, EventSchema: shopschema.JSON, StackName: name, Functions: functions, Out: out,
		Serve: true, Check: true, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	handler, err := endpoint.New(p, name, text, true)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := aws.Config{
		BaseEndpoint: &server.URL,
		HTTPClient:   awsclient.ReadWhole(server.Client(), &server.URL),
		Region:       "us-east-1",
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	}
	return p, clients{firehose.NewFromConfig(config), s3.NewFromConfig(config), sqs.NewFromConfig(config), server.URL,
		out}
}

func TestServe(t *testing.T) {
	p, c := serveStack(t)
	ctx := t.Context()
	streams := map[event.Stream]string{}
	for _, s := range p.Streams() {
		streams[s.Kind] = s.Name
	}

	t.Run("streams are listed and described as deployed", func(t *testing.T) {
		list, err := c.firehose.ListDeliveryStreams(ctx, &firehose.ListDeliveryStreamsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.DeliveryStreamNames) != 2 || *list.HasMoreDeliveryStreams {
			t.Errorf("got %q", list.DeliveryStreamNames)
		}
		for _, name := range list.DeliveryStreamNames {
			out, err := c.firehose.DescribeDeliveryStream(ctx,
				&firehose.DescribeDeliveryStreamInput{DeliveryStreamName: &name})
			if err != nil {
				t.Fatal(err)
			}
			d := out.DeliveryStreamDescription
			if d.DeliveryStreamStatus != types.DeliveryStreamStatusActive ||
				d.DeliveryStreamType != types.DeliveryStreamTypeDirectPut ||
				d.DeliveryStreamEncryptionConfiguration.KeyType != types.KeyTypeAwsOwnedCmk ||
				len(d.Destinations) != 1 {
				t.Errorf("got %+v", d)
				continue
			}
			if name == streams[event.Lake] {
				lake := d.Destinations[0].ExtendedS3DestinationDescription
				parameters := map[types.ProcessorParameterName]string{}
				for _, p := range lake.ProcessingConfiguration.Processors[0].Parameters {
					parameters[p.ParameterName] = *p.ParameterValue
				}
				if *lake.BucketARN != "arn:aws:s3:::"+p.BucketName() || *lake.BufferingHints.SizeInMBs != 64 ||
					*lake.BufferingHints.IntervalInSeconds != 300 ||
					lake.S3BackupDescription.CompressionFormat != types.CompressionFormatGzip ||
					!*lake.DataFormatConversionConfiguration.Enabled ||
					parameters["BufferSizeInMBs"] != "0.5" || parameters["BufferIntervalInSeconds"] != "10" {
					t.Errorf("got %+v, %v", lake, parameters)
				}
				continue
			}
			search := d.Destinations[0].AmazonopensearchserviceDestinationDescription
			if *search.IndexName != "realtime-events" ||
				search.IndexRotationPeriod != types.AmazonopensearchserviceIndexRotationPeriodOneDay ||
				search.S3BackupMode != types.AmazonopensearchserviceS3BackupModeFailedDocumentsOnly ||
				*search.BufferingHints.IntervalInSeconds != 60 {
				t.Errorf("got %+v", search)
			}
		}
	})
	good, bad := []byte(`{"event_id":"good","category_id":2103807459595387724}`), []byte(`{"event_id":"bad"`)
	t.Run("records are put singly and in batches", func(t *testing.T) {
		for _, stream := range streams {
			one, err := c.firehose.PutRecord(ctx,
				&firehose.PutRecordInput{DeliveryStreamName: &stream, Record: &types.Record{Data: good}})
			if err != nil {
				t.Fatal(err)
			}
			batch, err := c.firehose.PutRecordBatch(ctx,
				&firehose.PutRecordBatchInput{DeliveryStreamName: &stream,
					Records: []types.Record{{Data: good}, {Data: bad}}})
			if err != nil {
				t.Fatal(err)
			}
			ids := map[string]bool{*one.RecordId: true}
			for _, r := range batch.RequestResponses {
				ids[aws.ToString(r.RecordId)] = true
			}
			if *batch.FailedPutCount != 0 || len(ids) != 3 || ids[""] || !*one.Encrypted {
				t.Errorf("got %d failed, ids %v", *batch.FailedPutCount, ids)
			}
		}
	})
	t.Run("over a limit nothing is taken", func(t *testing.T) {
		lake := streams[event.Lake]
		many := make([]types.Record, 501)
		for i := range many {
			many[i].Data = good
		}
		large := make([]types.Record, 9)
		for i := range large {
			large[i].Data = make([]byte, 500_000)
		}
		_, errRecord := c.firehose.PutRecord(ctx,
			&firehose.PutRecordInput{DeliveryStreamName: &lake, Record: &types.Record{Data: make([]byte, 1_024_001)}})
		_, errMany := c.firehose.PutRecordBatch(ctx,
			&firehose.PutRecordBatchInput{DeliveryStreamName: &lake, Records: many})
		_, errLarge := c.firehose.PutRecordBatch(ctx,
			&firehose.PutRecordBatchInput{DeliveryStreamName: &lake, Records: large})
		_, errName := c.firehose.PutRecord(ctx,
			&firehose.PutRecordInput{DeliveryStreamName: aws.String("other"), Record: &types.Record{Data: good}})
		for i, err := range []error{errRecord, errMany, errLarge, errName} {
			want := []string{"ValidationException", "ValidationException", "InvalidArgumentException",
				"ResourceNotFoundException"}[i]
			var apiErr smithy.APIError
			if !errors.As(err, &apiErr) || apiErr.ErrorCode() != want {
				t.Errorf("call %d: got %v, want %s", i, err, want)
			}
		}
		if got := p.Report().Events; got != 3 {
			t.Errorf("%d records received, want 3", got)
		}
	})
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	t.Run("the objects are listed and fetched", func(t *testing.T) {
		bucket := p.BucketName()
		list, err := c.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
		if err != nil {
			t.Fatal(err)
		}
		folders := map[string]int{}
		for _, o := range list.Contents {
			folder, _, _ := strings.Cut(*o.Key, "/")
			folders[folder]++
			got, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(got.Body)
			if err := errors.Join(err, got.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if folder == "transformed-data" &&
				!(bytes.HasPrefix(content, []byte("PAR1")) && bytes.HasSuffix(content, []byte("PAR1"))) {
				t.Errorf("%s is no Parquet", *o.Key)
			}
		}
		if folders["transformed-data"] != 1 || folders["source-data"] != 1 || folders["error-data"] != 2 {
			t.Errorf("got %v", folders)
		}
	})
	t.Run("the dead letters are read from the queue", func(t *testing.T) {
		queues, err := c.sqs.ListQueues(ctx, &sqs.ListQueuesInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(queues.QueueUrls) != 1 {
			t.Fatalf("got %q", queues.QueueUrls)
		}
		out, err := c.sqs.ReceiveMessage(ctx,
			&sqs.ReceiveMessageInput{QueueUrl: &queues.QueueUrls[0], MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		got := map[event.Stream]string{}
		for _, message := range out.Messages {
			letter, err := deadletter.Parse([]byte(*message.Body))
			if err != nil {
				t.Fatal(err)
			}
			got[letter.Stream] = string(letter.Reason) + " " + string(letter.RawData)
		}
		for stream := range streams {
			if want := string(event.UnexpectedEnd) + " " + string(bad); got[stream] != want {
				t.Errorf("%s: got %q, want %q", stream, got[stream], want)
			}
		}
	})
	t.Run("an operation of no service here is unknown", func(t *testing.T) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.PutItem")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusBadRequest ||
			!bytes.Contains(body, []byte("UnknownOperationException")) {
			t.Errorf("got %d %s, %v", response.StatusCode, body, err)
		}
	})
}

// A web page that has its own name lead to this machine reads nothing, whichever API it tries.
func TestServeHosts(t *testing.T) {
	p, c := serveStack(t)
	bucket, key := p.BucketName(), "transformed-data/x"
	if _, err := c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key,
		Body: strings.NewReader("secret")}); err != nil {
		t.Fatal(err)
	}
	requests := map[string]func() (method, path, body string, headers map[string]string){
		"Firehose": func() (string, string, string, map[string]string) {
			return http.MethodPost, "/", "{}",
				map[string]string{"X-Amz-Target": "Firehose_20150804.ListDeliveryStreams"}
		},
		"SQS": func() (string, string, string, map[string]string) {
			return http.MethodPost, "/", "{}", map[string]string{"X-Amz-Target": "AmazonSQS.ListQueues"}
		},
		"CloudFormation": func() (string, string, string, map[string]string) {
			return http.MethodPost, "/", "Action=DescribeStacks",
				map[string]string{"Content-Type": "application/x-www-form-urlencoded",
					"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260131/us-east-1/cloudformation/aws4_request, " +
						"SignedHeaders=host"}
		},
		"S3, the buckets": func() (string, string, string, map[string]string) { return http.MethodGet, "/", "", nil },
		"S3, a bucket": func() (string, string, string, map[string]string) {
			return http.MethodGet, "/" + bucket + "?list-type=2", "", nil
		},
		"S3, an object": func() (string, string, string, map[string]string) {
			return http.MethodGet, "/" + bucket + "/" + key, "", nil
		},
		"S3, a new object": func() (string, string, string, map[string]string) {
			return http.MethodPut, "/" + bucket + "/new", "x", nil
		},
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(c.url, "http://"), ":")
	for api, request := range requests {
		for host, want := range map[string]int{"": http.StatusOK, "localhost:" + port: http.StatusOK,
			"[::1]:" + port: http.StatusOK,
			"evil.example":  http.StatusForbidden, "evil.example:" + port: http.StatusForbidden,
			"127.0.0.1.nip.io": http.StatusForbidden} {
			method, path, body, headers := request()
			r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != want {
				t.Errorf("%s at %q: got %d %s, %v, want %d", api, host, response.StatusCode, text, err, want)
			}
			if want == http.StatusForbidden &&
				!bytes.Contains(text, []byte("must be localhost or a loopback address")) {
				t.Errorf("%s at %q: got %s", api, host, text)
			}
		}
	}
	t.Run("SQS on its own address", func(t *testing.T) {
		for _, address := range []string{p.SQSURL()} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "evil.example"
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s: got %d", address, response.StatusCode)
			}
		}
	})
}

func TestInterrupt(t *testing.T) {
	s := buildStack(t)
	reader := interruptedInput(t)
	out := t.TempDir()
	var stdout, stderr bytes.Buffer
	status := run([]string{"local", "--project", s.root, "--template", s.template, "--events", "-", "--out", out,
		"--format", "json"}, reader, &stdout, &stderr)
	if status != exitInterrupted {
		t.Errorf("status %d, want %d", status, exitInterrupted)
	}
	if want := `{"events":2,"streams":{"lake":{"received":2,"delivered":2,`; !strings.HasPrefix(stdout.String(), want) {
		t.Errorf("got %s, want %s…", &stdout, want)
	}
	if want := "interrupted: the report has everything put until then\n"; stderr.String() != want {
		t.Errorf("got %s, want %s", &stderr, want)
	}
}

// interruptedInput has two events and one that breaks off, and interrupts the process while they are being put.
func interruptedInput(t *testing.T) io.Reader {
	t.Helper()
	reader, writer := io.Pipe()
	go func() {
		// The first write returns when its lines have been read, the second when they are being put. The process is
		// interrupted in any case.
		_, _ = io.WriteString(writer, "{\"event_id\":\"a\"}\n{\"event_id\":\"b\"}\n")
		_, _ = io.WriteString(writer, `{"event_id":"c"`)
		if err := interruptSelf(); err != nil {
			t.Error(err)
			writer.Close()
		}
	}()
	return reader
}

func interruptSelf() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return self.Signal(os.Interrupt)
}
