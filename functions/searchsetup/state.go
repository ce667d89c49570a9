package searchsetup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// State is the wanted state of a domain. It comes to the function as one JSON string, because CloudFormation would turn
// each number of a structured property into a string.
type State struct {
	// Endpoint is the domain's host name, or an https:// URL without a path. http:// is accepted for a loopback
	// address.
	Endpoint string `json:"endpoint"`
	// Index is the search stream's IndexName; with a rotation it is the first part of the names of the indices.
	Index string `json:"index"`
	// Rotation is the search stream's IndexRotationPeriod: NoRotation, OneHour, OneDay, OneWeek or OneMonth.
	Rotation string `json:"rotation"`
	// Shards is the number of primary shards of a new index, 1 to 1024.
	Shards int `json:"shards"`
	// Replicas is the number of copies of each shard, 0 to 100. One data node can hold none.
	Replicas int `json:"replicas"`
	// RetentionDays is the age, 1 to 36500 days, at which a rotated index is deleted. The one index of NoRotation is
	// never deleted: it holds today's events too.
	RetentionDays int `json:"retentionDays"`
	// Properties are the "properties" of the index mapping.
	Properties map[string]any `json:"properties"`
	// WriterRoleARN is Firehose's role.
	WriterRoleARN string `json:"writerRoleArn"`
	// AdminRoleARNs are the roles of people who administer the domain.
	AdminRoleARNs []string `json:"adminRoleArns"`
	// ReaderRoleARNs are the roles of people who may search the indices and nothing else.
	ReaderRoleARNs []string `json:"readerRoleArns"`
}

// ParseState decodes and validates one State. Unknown members are errors, so that a misspelled one cannot be ignored.
func ParseState(text string) (State, error) {
	var s State
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return State{}, fmt.Errorf("decoding state: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return State{}, errors.New("decoding state: data after the object")
	}
	if err := s.Validate(); err != nil {
		return State{}, err
	}
	return s, nil
}

var (
	rotations = []string{"NoRotation", "OneHour", "OneDay", "OneWeek", "OneMonth"}

	// indexName is stricter than OpenSearch (which takes other scripts too): the name is also part of role names and
	// paths.
	indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,79}$`)
	// roleARN is an IAM role's ARN with its path. An assumed-role session ARN would never match as a backend role.
	roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$`)
)

// Validate returns all problems of the state joined, one `field: problem (got value)` each, or nil.
func (s State) Validate() error {
	var problems []error
	check := func(ok bool, field, problem string, value any) {
		if !ok {
			problems = append(problems, fmt.Errorf("%s: %s (got %v)", field, problem, value))
		}
	}
	_, err := s.baseURL()
	check(err == nil, "endpoint", "must be a host name or an https URL without a path", s.Endpoint)
	check(indexName.MatchString(s.Index), "index",
		"must be 1 to 80 of a-z, 0-9, '.', '_' and '-', a letter or digit first", s.Index)
	check(slices.Contains(rotations, s.Rotation), "rotation", "must be one of "+strings.Join(rotations, ", "),
		s.Rotation)
	check(s.Shards >= 1 && s.Shards <= 1024, "shards", "must be 1 to 1024", s.Shards)
	check(s.Replicas >= 0 && s.Replicas <= 100, "replicas", "must be 0 to 100", s.Replicas)
	check(s.RetentionDays >= 1 && s.RetentionDays <= 36500, "retentionDays", "must be 1 to 36500", s.RetentionDays)
	check(len(s.Properties) > 0, "properties", "must not be empty", len(s.Properties))
	check(roleARN.MatchString(s.WriterRoleARN), "writerRoleArn", "must be the ARN of an IAM role", s.WriterRoleARN)
	for i, arn := range s.AdminRoleARNs {
		check(roleARN.MatchString(arn), fmt.Sprintf("adminRoleArns[%d]", i), "must be the ARN of an IAM role", arn)
	}
	for i, arn := range s.ReaderRoleARNs {
		check(roleARN.MatchString(arn), fmt.Sprintf("readerRoleArns[%d]", i), "must be the ARN of an IAM role", arn)
	}
	return errors.Join(problems...)
}

// baseURL returns the URL that every path is put behind.
func (s State) baseURL() (*url.URL, error) {
	text := s.Endpoint
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parsing endpoint: %w", err)
	}
	loopback := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	switch {
	case u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " /"):
		return nil, fmt.Errorf("parsing endpoint: no host in %q", s.Endpoint)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback):
		return nil, fmt.Errorf("parsing endpoint: scheme of %q is not https", s.Endpoint)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("parsing endpoint: %q is more than a host", s.Endpoint)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// Names of the setup's own objects on the domain.
func (s State) writerRole() string { return s.Index + "-writer" }
func (s State) readerRole() string { return s.Index + "-reader" }
func (s State) policyID() string   { return s.Index + "-retention" }

// rotatedPattern matches the indices that Firehose makes by rotation: each name goes on with a year. It stops at the
// year's first digit so that someone's "<index>-summary" is neither opened to the roles nor deleted by the retention.
func (s State) rotatedPattern() string { return s.Index + "-2*" }

// indexPatterns match every index of the pipeline, rotated or not, whatever the rotation is today: after a change of
// rotation the old indices stay readable, and Firehose is not rejected in the moment between the setup's update and its
// own.
func (s State) indexPatterns() []string { return []string{s.Index, s.rotatedPattern()} }

// ownsIndex reports whether name is one of the pipeline's indices.
func (s State) ownsIndex(name string) bool { return name == s.Index || s.isRotatedName(name) }

func (s State) isRotatedName(name string) bool { return strings.HasPrefix(name, s.Index+"-2") }

// object is a JSON object to send.
type object = map[string]any

// asJSON brings v to the types that encoding/json decodes into, so that it compares with an answer.
func asJSON(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding %T: %v", v, err)) // only maps, slices, strings and numbers come here
	}
	var out any
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&out); err != nil {
		panic(fmt.Sprintf("decoding what was encoded: %v", err))
	}
	return out
}

// withoutNames returns v without the members of the given names, at any depth, and without null members: a server adds
// such members.
func withoutNames(v any, names ...string) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			if value != nil && !slices.Contains(names, key) {
				out[key] = withoutNames(value, names...)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = withoutNames(value, names...)
		}
		return out
	}
	return v
}
