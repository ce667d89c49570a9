package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// compareAnswers fails unless the baselines answer all payloads as the transform does: the same results in the same
// order, and data that means the same. The floor has no answers to compare.
func (b *bench) compareAnswers() error {
	workers, stop, err := b.startWorkers()
	if err != nil {
		return err
	}
	err = b.compareWorkers(workers)
	return errors.Join(err, stop())
}

func (b *bench) compareWorkers(workers []*worker) error {
	loads, err := b.makeLoads()
	if err != nil {
		return err
	}
	for _, l := range loads {
		var want []answered
		for i, w := range workers[:3] {
			file := filepath.Join(b.dir, "answer.json")
			var ok string
			if err := w.sendCommand([]any{&ok}, "answer", l.file, file); err != nil {
				return err
			}
			got, err := readAnswer(file)
			if err != nil {
				return fmt.Errorf("answer of %s to %s: %w", w.name, l.name, err)
			}
			if i == 0 {
				want = got
				continue
			}
			if err := same(got, want); err != nil {
				return fmt.Errorf("%s and %s answer %s differently: %w", workers[0].name, w.name, l.name, err)
			}
		}
		fmt.Fprintf(b.progress, "the answers to %s are the same (%d records)\n", l.name, len(want))
	}
	return nil
}

// answered is the answer to a record, the objects in its data decoded.
type answered struct {
	id, result string
	objects    []any
}

func readAnswer(file string) ([]answered, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Records []struct {
			RecordID string `json:"recordId"`
			Result   string `json:"result"`
			Data     string `json:"data"`
		} `json:"records"`
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return nil, err
	}
	var all []answered
	for _, r := range answer.Records {
		data, err := base64.StdEncoding.DecodeString(r.Data)
		if err != nil {
			return nil, err
		}
		a := answered{id: r.RecordID, result: r.Result}
		for decoder := json.NewDecoder(strings.NewReader(string(data))); ; {
			decoder.UseNumber()
			var object map[string]any
			if err := decoder.Decode(&object); err == io.EOF {
				break
			} else if err != nil {
				return nil, fmt.Errorf("record %s: %w", r.RecordID, err)
			}
			if err := pinTime(object); err != nil {
				return nil, fmt.Errorf("record %s: %w", r.RecordID, err)
			}
			a.objects = append(a.objects, roundNumbers(object))
		}
		all = append(all, a)
	}
	return all, nil
}

var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)

// pinTime replaces the one thing that differs between two answers, once its form is checked.
func pinTime(object map[string]any) error {
	stamp, _ := object["processed_timestamp"].(string)
	if !timeForm.MatchString(stamp) {
		return fmt.Errorf("processed_timestamp: must be RFC 3339 with milliseconds (got %v)", object["processed_timestamp"])
	}
	object["processed_timestamp"] = "now"
	return nil
}

// roundNumbers replaces numbers that are not integers by the float64 nearest to them: Python writes 1.50 as 1.5.
func roundNumbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			if f, err := strconv.ParseFloat(v.String(), 64); err == nil {
				if f == float64(int64(f)) { // 1.0 and 1
					return strconv.FormatInt(int64(f), 10)
				}
				return f
			}
		}
		return v.String()
	case map[string]any:
		for key, member := range v {
			v[key] = roundNumbers(member)
		}
	case []any:
		for i, element := range v {
			v[i] = roundNumbers(element)
		}
	}
	return value
}

func same(got, want []answered) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d and %d records", len(want), len(got))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			return fmt.Errorf("record %d: %v and %v", i, want[i], got[i])
		}
	}
	return nil
}
