package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"firehose-pipeline/frontdoor"
)

// renderCase is one template and one body, and what has to come out.
type renderCase struct {
	name, template, body string
	records              []string // of a request, decoded; nil without records
	request              bool
	noRecords            bool // the request has no member Records, which the service rejects
	status               int  // that the template sets, 0: none
	retryAfter           string
	members              map[string]any // of a response
}

// bodies are the bodies of one event.
func bodies() map[string]string {
	million := `{"event_id":"big","text":"` + strings.Repeat("x", 1<<20-40) + `"}`
	return map[string]string{
		"one event":                `{"event_id":"1","amount":1.10,"big":9007199254740993001,"e":1E400,"z":1,"a":2}`,
		"quotes":                   `{"a":"say \"no\"","b":"it's","c":"\\"}`,
		"newlines and white space": "\n {\r\n\t\"a\" : \"b\\nc\"\n}\r\n \n",
		"Unicode":                  `{"a":"Grüße, 世界 😀","b":"\u00e9 \ud83d\ude00","c":"` + "\u2028\u0085\u00a0" + `"}`,
		"VTL in the body":          `{"a":"$input.body #set($x = 1) #end ## ${x} $!y #foreach #[[ ]]# #*","b":"\$a \\#b"}`,
		"a template in the body":   `#if(true)$util.base64Encode("x")#end`,
		"hostile JSON":             `","PartitionKey":"x"},{"Data":"e30=","StreamName":"other"`,
		"control characters":       "{\"a\":\"\u0001\u001f\u007f\"}\u0000",
		"not JSON":                 `<event/>`,
		"1 MB":                     million,
		"1 MB of escapes":          `{"a":"` + strings.Repeat(`\"$#`, 1<<18) + `"}`,
		"empty":                    "",
		"blank":                    " \r\n\t\n ",
	}
}

func requestCases() []renderCase {
	var cases []renderCase
	for _, service := range []frontdoor.Service{frontdoor.Kinesis, frontdoor.Firehose} {
		templates := service.ReadTemplates("a-stream")
		ending := ""
		if service.Name == frontdoor.Firehose.Name {
			ending = "\n"
		}
		add := func(contentType, name, body string, records []string, none bool) {
			for i := range records {
				records[i] += ending
			}
			cases = append(cases, renderCase{name: service.Name + ", " + contentType + ": " + name,
				template: templates.Requests[contentType], body: body, records: records, request: true, noRecords: none})
		}
		for name, body := range bodies() {
			var whole []string
			if strings.Trim(body, " \r\n\t") != "" {
				whole = []string{body}
			}
			add(frontdoor.JSON, name, body, whole, false)
			add(frontdoor.Lines, name, body, splitLines(body), false)
		}
		for _, n := range []int{1, 2, 499, 500, 501, 1000, 1001, 2000} {
			lines := make([]string, n)
			for i := range lines {
				lines[i] = fmt.Sprintf(`{"event_id":"%d","amount":%d.10}`, i, i)
			}
			for name, end := range map[string]string{"": "", " and a newline": "\n", " and blank lines": "\n\n\n"} {
				body := strings.Join(lines, "\n") + end
				if n <= frontdoor.MaxLines {
					add(frontdoor.Lines, fmt.Sprint(n, " lines", name), body, splitLines(body), false)
				} else {
					add(frontdoor.Lines, fmt.Sprint(n, " lines", name), body, nil, true)
				}
			}
		}
		add(frontdoor.Lines, "blank lines between", "{}\n\n \r\n{\"a\":1}\r\n\t\n", []string{"{}", "{\"a\":1}\r"}, false)
		add(frontdoor.Lines, "events after 1,000 blank lines", strings.Repeat("\n", 1000)+"{}", nil, true)
	}
	return cases
}

// splitLines returns the lines of a body that are not blank, as the request must have them.
func splitLines(body string) []string {
	var lines []string
	for _, line := range strings.Split(body, "\n") {
		if strings.TrimFunc(line, func(r rune) bool { return r <= ' ' }) != "" { // java.lang.String.trim
			lines = append(lines, line)
		}
	}
	return lines
}

// responseCases are responses of the services, as the API references have them, and what the client gets.
func responseCases() []renderCase {
	var cases []renderCase
	for _, service := range []frontdoor.Service{frontdoor.Kinesis, frontdoor.Firehose} {
		templates := service.ReadTemplates("a-stream")
		failed, list, code := "FailedRecordCount", "Records", "ProvisionedThroughputExceededException"
		if service.Name == frontdoor.Firehose.Name {
			failed, list, code = "FailedPutCount", "RequestResponses", "ServiceUnavailableException"
		}
		add := func(name, template, body string, status int, retryAfter string, members map[string]any) {
			cases = append(cases, renderCase{name: service.Name + ", response: " + name, template: template, body: body,
				status: status, retryAfter: retryAfter, members: members})
		}
		answer := func(codes ...string) string {
			n, results := 0, []map[string]string{}
			for _, code := range codes {
				result := map[string]string{"SequenceNumber": "1", "ShardId": "s", "RecordId": "r"}
				if code != "" {
					n++
					result = map[string]string{"ErrorCode": code, "ErrorMessage": `Rate "exceeded" in account 1`}
				}
				results = append(results, result)
			}
			text, _ := json.Marshal(map[string]any{failed: n, "EncryptionType": "KMS", list: results}) // cannot fail
			return string(text)
		}
		add("all accepted", templates.Accepted, answer("", "", ""), 0, "", map[string]any{"events": 3, "failed": 0})
		add("500 accepted", templates.Accepted, answer(make([]string, 500)...), 0, "", map[string]any{"events": 500})
		add("some throttled", templates.Accepted, answer("", code, ""), 207, "", map[string]any{"events": 3, "failed": 1,
			"failures": []any{map[string]any{"event": 2.0, "code": code}}})
		add("all throttled", templates.Accepted, answer(code, code), 429, "1", map[string]any{"failed": 2})
		add("all failed", templates.Accepted, answer("InternalFailure"), 503, "1", map[string]any{"failed": 1})
		add("one throttled among failures", templates.Accepted, answer("InternalFailure", code), 429, "1", nil)
		rejected := func(kind, message string, status int, retryAfter string) {
			text, _ := json.Marshal(map[string]string{"__type": kind, "message": message}) // cannot fail
			add(kind+" "+message, templates.Rejected, string(text), status, retryAfter, nil)
		}
		rejected("ProvisionedThroughputExceededException", "Rate exceeded", 429, "1")
		rejected("KMSThrottlingException", "slow", 429, "1")
		rejected("LimitExceededException", "slow", 429, "1")
		rejected("com.amazonaws.kinesis#ValidationException", "Value null at 'records' failed to satisfy constraint", 413, "")
		rejected("ValidationException", "Value '[]' at 'records' failed to satisfy constraint: Member must have length "+
			"greater than or equal to 1", 0, "")
		rejected("ValidationException", "at 'records.1.member.data': Member must have length less than or equal to 1", 413, "")
		rejected("InvalidArgumentException", "Records size exceeds 4 MB limit", 413, "")
		rejected("InvalidArgumentException", "", 413, "")
		rejected("SerializationException", "", 0, "")
		rejected("AccessDeniedException", "User: … is not authorized", 500, "")
		rejected("ResourceNotFoundException", "not found", 500, "")
		add("an error without members", templates.Rejected, `{}`, 500, "", nil)
		add("an error of the service", templates.Failed, `{"__type":"InternalFailure"}`, 0, "", nil)
		add("a throttled batch", templates.Failed, `{"__type":"ServiceUnavailableException"}`, 429, "", nil)
		add("no JSON", templates.Failed, `<html>`, 0, "", nil)
	}
	return cases
}
