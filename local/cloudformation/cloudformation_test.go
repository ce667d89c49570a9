package cloudformation

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestCloudFormation(t *testing.T) {
	c := &Server{stack: "shop-dev", outputs: []Output{{OutputKey: "S3BucketName", OutputValue: "bucket"},
		{OutputKey: "SearchStreamName", OutputValue: "a&b"}, {OutputKey: "ApiUrl", Path: "/v1/events"}}}
	for _, call := range []struct {
		rule   string
		form   url.Values
		header http.Header
		status int
		want   []string
	}{
		{"the stack is described with its outputs", url.Values{"Action": {"DescribeStacks"}, "StackName": {"shop-dev"}},
			nil, 200, []string{
				`<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>shop-dev</StackName>`,
				`<StackStatus>CREATE_COMPLETE</StackStatus>`,
				`<Outputs><member><OutputKey>S3BucketName</OutputKey><OutputValue>bucket</OutputValue></member><member><OutputKey>SearchStreamName</OutputKey><OutputValue>a&amp;b</OutputValue></member><member><OutputKey>ApiUrl</OutputKey><OutputValue>http://example.com/v1/events</OutputValue></member></Outputs>`,
			}},
		{"without a name it is described too", url.Values{"Action": {"DescribeStacks"}}, nil, 200,
			[]string{`<StackName>shop-dev</StackName>`}},
		{"another stack does not exist", url.Values{"Action": {"DescribeStacks"}, "StackName": {"shop"}}, nil, 400,
			[]string{
				`<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id shop does not exist</Message></Error>`,
			}},
		{"nothing else is known", url.Values{"Action": {"DeleteStack"}}, nil, 400,
			[]string{`<Code>InvalidAction</Code><Message>this local endpoint knows DescribeStacks only (got &#34;DeleteStack&#34;)</Message>`}},
		{"a web page is refused", url.Values{"Action": {"DescribeStacks"}},
			http.Header{"Origin": {"https://example.com"}}, 403, []string{`<Code>AccessDenied</Code>`}},
	} {
		t.Run(call.rule, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(call.form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			for name, values := range call.header {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			c.ServeHTTP(w, r)
			if w.Code != call.status {
				t.Errorf("got %d, want %d", w.Code, call.status)
			}
			for _, want := range call.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("got %s, want %s", w.Body, want)
				}
			}
		})
	}
}
