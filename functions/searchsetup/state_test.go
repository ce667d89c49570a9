package searchsetup

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseState(t *testing.T) {
	valid := func() object {
		return object{
			"endpoint": "search-x.eu-west-1.es.amazonaws.com", "index": "realtime-events", "rotation": "OneDay",
			"shards": 1, "replicas": 0,
			"retentionDays": 30, "properties": object{"a": object{"type": "keyword"}},
			"writerRoleArn": "arn:aws:iam::123456789012:role/path/firehose",
			"adminRoleArns": []string{}, "readerRoleArns": nil,
		}
	}
	parse := func(t *testing.T, o object) error {
		t.Helper()
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseState(string(text))
		return err
	}
	if err := parse(t, valid()); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"https://x.example", "https://x.example/", "http://127.0.0.1:9200",
		"http://localhost:9200", "http://[::1]:9200", "vpc-x.example:443"} {
		t.Run("endpoint "+endpoint, func(t *testing.T) {
			o := valid()
			o["endpoint"] = endpoint
			if err := parse(t, o); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []struct {
		rule, field string
		value       any
		want        string
	}{
		{"no plain HTTP but to loopback", "endpoint", "http://x.example", "endpoint: "},
		{"no path in the endpoint", "endpoint", "https://x.example/_search", "endpoint: "},
		{"no user in the endpoint", "endpoint", "https://a:b@x.example", "endpoint: "},
		{"an endpoint is needed", "endpoint", "", "endpoint: "},
		{"an index is in lower case", "index", "Events", "index: "},
		{"an index has no wildcard", "index", "events*", "index: "},
		{"an index does not begin with a dot", "index", ".events", "index: "},
		{"an index has at most 80 characters", "index", strings.Repeat("a", 81), "index: "},
		{"rotations are Firehose's", "rotation", "Daily",
			"rotation: must be one of NoRotation, OneHour, OneDay, OneWeek, OneMonth (got Daily)"},
		{"one shard at least", "shards", 0, "shards: must be 1 to 1024 (got 0)"},
		{"replicas are not negative", "replicas", -1, "replicas: "},
		{"one day at least", "retentionDays", 0, "retentionDays: "},
		{"properties are needed", "properties", object{}, "properties: "},
		{"a session is no role", "writerRoleArn", "arn:aws:sts::123456789012:assumed-role/a/b", "writerRoleArn: "},
		{"every admin is a role", "adminRoleArns", []string{"arn:aws:iam::123456789012:role/a", "b"},
			"adminRoleArns[1]: must be the ARN of an IAM role (got b)"},
		{"every reader is a role", "readerRoleArns", []string{"arn:aws:iam::123456789012:user/a"},
			"readerRoleArns[0]: "},
		{"unknown members are refused", "retention", 1, `unknown field "retention"`},
		{"numbers are numbers", "shards", "1", "cannot unmarshal string"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			o := valid()
			o[c.field] = c.value
			if err := parse(t, o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error: %v, want %q", err, c.want)
			}
		})
	}
	t.Run("all problems at once", func(t *testing.T) {
		o := valid()
		o["shards"], o["rotation"], o["index"] = 0, "x", "X"
		if err := parse(t, o); err == nil || strings.Count(err.Error(), "\n") != 2 {
			t.Errorf("error: %v, want three lines", err)
		}
	})
	t.Run("nothing after the object", func(t *testing.T) {
		text, err := json.Marshal(valid())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseState(string(text) + "{}"); err == nil {
			t.Error("no error")
		}
	})
}
