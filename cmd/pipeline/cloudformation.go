package main

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"firehose-pipeline/contract"
	"firehose-pipeline/event"
	"firehose-pipeline/local"
	"firehose-pipeline/local/template"
)

// cloudFormation answers DescribeStacks with the outputs that name what is served here, so that the README's commands, which
// ask the stack for its names, run against the endpoint too. It speaks the query protocol
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html).
type cloudFormation struct {
	stack   string
	outputs []stackOutput
}

type stackOutput struct {
	OutputKey, OutputValue string
}

func newCloudFormation(stack string, p *local.Pipeline) *cloudFormation {
	c := &cloudFormation{stack: stack, outputs: []stackOutput{
		{contract.OutputBucket, p.BucketName()},
		{contract.OutputDeadLetterQueue, p.DeadLetterQueueURL()},
	}}
	for _, s := range p.Streams() {
		name := contract.OutputLakeStream
		if s.Kind == event.Search {
			name = contract.OutputSearchStream
		}
		c.outputs = append(c.outputs, stackOutput{name, s.Name})
	}
	return c
}

type describeStacksResponse struct {
	XMLName xml.Name      `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DescribeStacksResponse"`
	Name    string        `xml:"DescribeStacksResult>Stacks>member>StackName"`
	ID      string        `xml:"DescribeStacksResult>Stacks>member>StackId"`
	Created string        `xml:"DescribeStacksResult>Stacks>member>CreationTime"`
	Status  string        `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
	Outputs []stackOutput `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
	Request string        `xml:"ResponseMetadata>RequestId"`
}

type errorResponse struct {
	XMLName xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	Request string   `xml:"RequestId"`
}

func (c *cloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		writeXML(w, http.StatusForbidden, errorResponse{Type: "Sender", Code: "AccessDenied", Message: "requests from web pages are refused", Request: uuid.NewString()})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if action := r.PostFormValue("Action"); action != "DescribeStacks" {
		writeXML(w, http.StatusBadRequest, errorResponse{Type: "Sender", Code: "InvalidAction", Message: fmt.Sprintf("this local endpoint knows DescribeStacks only (got %q)", action), Request: uuid.NewString()})
		return
	}
	if name := r.PostFormValue("StackName"); name != "" && name != c.stack {
		writeXML(w, http.StatusBadRequest, errorResponse{Type: "Sender", Code: "ValidationError", Message: fmt.Sprintf("Stack with id %s does not exist", name), Request: uuid.NewString()})
		return
	}
	writeXML(w, http.StatusOK, describeStacksResponse{
		Name:    c.stack,
		ID:      fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/00000000-0000-4000-8000-000000000000", template.Region, template.AccountID, c.stack),
		Created: "2026-01-01T00:00:00Z",
		Status:  "CREATE_COMPLETE",
		Outputs: c.outputs,
		Request: uuid.NewString(),
	})
}

func writeXML(w http.ResponseWriter, status int, body any) {
	text, err := xml.Marshal(body)
	if err != nil {
		panic(err) // structs of strings
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have gone
}
