package cloudformation

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"firehose-pipeline/local/template"
)

// Server serves the API of one stack. It is an [http.Handler].
type Server struct {
	stack   string
	outputs []Output
}

// Output is one output of the stack.
type Output struct {
	OutputKey, OutputValue string
	// Path makes the value an address of the endpoint itself, as the request named it.
	Path string `xml:"-"`
}

// New describes a stack of this name with these outputs.
func New(stack string, outputs []Output) *Server { return &Server{stack: stack, outputs: outputs} }

type describeStacksResponse struct {
	XMLName xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ DescribeStacksResponse"`
	Name    string   `xml:"DescribeStacksResult>Stacks>member>StackName"`
	ID      string   `xml:"DescribeStacksResult>Stacks>member>StackId"`
	Created string   `xml:"DescribeStacksResult>Stacks>member>CreationTime"`
	Status  string   `xml:"DescribeStacksResult>Stacks>member>StackStatus"`
	Outputs []Output `xml:"DescribeStacksResult>Stacks>member>Outputs>member"`
	Request string   `xml:"ResponseMetadata>RequestId"`
}

type errorResponse struct {
	XMLName xml.Name `xml:"http://cloudformation.amazonaws.com/doc/2010-05-15/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	Request string   `xml:"RequestId"`
}

// ServeHTTP implements [http.Handler].
func (c *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Origin") != "" { // a web page: browsers can reach loopback too
		writeXML(w, http.StatusForbidden, errorResponse{Type: "Sender", Code: "AccessDenied",
			Message: "requests from web pages are refused", Request: uuid.NewString()})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if action := r.PostFormValue("Action"); action != "DescribeStacks" {
		writeXML(w, http.StatusBadRequest, errorResponse{Type: "Sender", Code: "InvalidAction",
			Message: fmt.Sprintf("this local endpoint knows DescribeStacks only (got %q)", action),
			Request: uuid.NewString()})
		return
	}
	if name := r.PostFormValue("StackName"); name != "" && name != c.stack {
		writeXML(w, http.StatusBadRequest, errorResponse{Type: "Sender", Code: "ValidationError",
			Message: fmt.Sprintf("Stack with id %s does not exist", name), Request: uuid.NewString()})
		return
	}
	outputs := slices.Clone(c.outputs)
	for i, output := range outputs {
		if output.Path != "" {
			outputs[i].OutputValue = "http://" + r.Host + output.Path
		}
	}
	writeXML(w, http.StatusOK, describeStacksResponse{
		Name: c.stack,
		ID: fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/00000000-0000-4000-8000-000000000000",
			template.Region, template.AccountID, c.stack),
		Created: "2026-01-01T00:00:00Z",
		Status:  "CREATE_COMPLETE",
		Outputs: outputs,
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
