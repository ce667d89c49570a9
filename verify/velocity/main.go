package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"firehose-pipeline/local/apigateway"
	"firehose-pipeline/local/apigateway/vtl"
)

const (
	folder    = "verify/velocity"
	requestID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
	fetch     = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
)

// versions are the files beside this one that name what Maven fetches.
var versions = []string{"velocity-1", "velocity-2"}

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "velocity:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("velocity", flag.ContinueOnError)
	java := flags.String("java", "java", "`program` of a Java 11 or later")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cases := append(requestCases(), responseCases()...)
	own, err := renderHere(cases)
	if err != nil {
		return err
	}
	wrong := 0
	for i, c := range cases {
		if err := c.check(own[i]); err != nil {
			wrong++
			fmt.Printf("WRONG %s: %v\n", c.name, err)
		}
	}
	for _, version := range versions {
		rendered, err := renderWith(version, *java, cases)
		if err != nil {
			return err
		}
		for i, c := range cases {
			if rendered[i] != own[i] {
				wrong++
				fmt.Printf("WRONG %s: %s renders\n  %.300q\nand the local model\n  %.300q\n", c.name, version, rendered[i], own[i])
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d renderings are wrong", wrong, len(cases)*(1+len(versions)))
	}
	fmt.Printf("velocity: %d templates and bodies; the local model's output and that of %s are the same bytes\n", len(cases),
		strings.Join(versions, ", "))
	return nil
}

// output is what a template makes.
type output struct{ text, status, retryAfter string }

func renderHere(cases []renderCase) ([]output, error) {
	outputs := make([]output, len(cases))
	for i, c := range cases {
		t, err := vtl.Parse(c.template)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		variables := apigateway.Variables(c.body, requestID)
		if outputs[i].text, err = t.Render(variables); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		override := variables["context"].(map[string]any)["responseOverride"].(map[string]any)
		if status, ok := override["status"]; ok {
			outputs[i].status = fmt.Sprint(status)
		}
		if after, ok := override["header"].(map[string]any)["Retry-After"]; ok {
			outputs[i].retryAfter = fmt.Sprint(after)
		}
	}
	return outputs, nil
}

// check compares an output with what the case expects.
func (c renderCase) check(o output) error {
	if want := fmt.Sprint(c.status); o.status != want && (c.status != 0 || o.status != "") {
		return fmt.Errorf("status must be %s (got %q)", want, o.status)
	}
	if o.retryAfter != c.retryAfter {
		return fmt.Errorf("Retry-After must be %q (got %q)", c.retryAfter, o.retryAfter)
	}
	if c.request {
		return c.checkRequest(o.text)
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(o.text), &members); err != nil {
		return fmt.Errorf("must be JSON: %w: %.200q", err, o.text)
	}
	for name, want := range c.members {
		got, _ := json.Marshal(members[name]) // decoded from JSON
		expected, err := json.Marshal(want)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, expected) {
			return fmt.Errorf("%s must be %s (got %s)", name, expected, got)
		}
	}
	return nil
}

func (c renderCase) checkRequest(text string) error {
	var request struct {
		StreamName, DeliveryStreamName string
		Records                        *[]struct {
			Data         []byte
			PartitionKey string
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return fmt.Errorf("must be a request of the service: %w: %.200q", err, text)
	}
	switch {
	case request.StreamName+request.DeliveryStreamName != "a-stream":
		return fmt.Errorf("must name the stream: %.200q", text)
	case c.noRecords != (request.Records == nil):
		return fmt.Errorf("member Records: absent must be %t: %.200q", c.noRecords, text)
	case c.noRecords:
		return nil
	case len(*request.Records) != len(c.records):
		return fmt.Errorf("must have %d records (got %d)", len(c.records), len(*request.Records))
	}
	keys := map[string]bool{}
	for i, r := range *request.Records {
		if string(r.Data) != c.records[i] {
			return fmt.Errorf("record %d must be %.100q (got %.100q)", i+1, c.records[i], r.Data)
		}
		keys[r.PartitionKey] = true
	}
	if request.StreamName != "" && len(keys) != len(c.records) {
		return errors.New("each record must have a partition key of its own")
	}
	return nil
}

// renderWith renders all cases in one process of a version of Velocity.
func renderWith(version, java string, cases []renderCase) ([]output, error) {
	jars, err := filepath.Abs(filepath.Join(".build", version))
	if err != nil {
		return nil, err
	}
	maven := exec.Command("mvn", "-q", "-B", "-f", filepath.Join(folder, version+".xml"), fetch, "-DoutputDirectory="+jars)
	if out, err := maven.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("fetching %s with Maven: %w\n%s", version, err, out)
	}
	var input, stderr bytes.Buffer
	encode := base64.StdEncoding.EncodeToString
	for _, c := range cases {
		fmt.Fprintf(&input, "%s\t%s\t%s\n", encode([]byte(requestID)), encode([]byte(c.template)), encode([]byte(c.body)))
	}
	command := exec.Command(java, "-Xmx1g", "-cp", jars+"/*", filepath.Join(folder, "Render.java"))
	command.Stdin, command.Stderr = &input, &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", version, err, stderr.Bytes())
	}
	var outputs []output
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\t")
		decoded := make([]string, 3)
		for i := range decoded {
			if len(fields) != len(decoded) {
				return nil, fmt.Errorf("%s: a line must have %d fields (got %d)", version, len(decoded), len(fields))
			}
			text, err := base64.StdEncoding.DecodeString(fields[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", version, err)
			}
			decoded[i] = string(text)
		}
		outputs = append(outputs, output{decoded[0], decoded[1], decoded[2]})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(outputs) != len(cases) {
		return nil, fmt.Errorf("%s: must render %d cases (got %d)\n%s", version, len(cases), len(outputs), stderr.Bytes())
	}
	return outputs, nil
}
