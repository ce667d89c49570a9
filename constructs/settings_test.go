package constructs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"firehose-pipeline/internal/testkit/casefile"
	"firehose-pipeline/settings"
)

// settingKeys returns the keys of every setting, in the order of docs/settings.md.
func settingKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, s := range settings.List() {
		keys = append(keys, s.Key)
	}
	return keys
}

func cases(t *testing.T) []*casefile.Case {
	t.Helper()
	all, err := casefile.Read("testdata/settings")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The template lines of the cases under testdata/settings: the effect of a setting on the template. A line is
//
//	count <type> = <number>
//	<type> <start of the logical id> <path of a property> = <JSON>
//	<type> <start of the logical id> <path of a property> absent
func TestSettingsReachTheTemplate(t *testing.T) {
	lines := 0
	for _, c := range cases(t) {
		lines += len(c.Template)
		if len(c.Template) == 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			if len(c.Env) > 0 {
				t.Fatal("a case with template lines must have no environment variables")
			}
			result := synth(t, string(c.Context))
			for _, line := range c.Template {
				if err := assertTemplate(t, result, line); err != nil {
					t.Errorf("%s: %v", line, err)
				}
			}
		})
	}
	if lines < 20 {
		t.Errorf("constructs/testdata/settings: must say what settings do to the template (got %d lines)", lines)
	}
}

func assertTemplate(t *testing.T, result *template, line string) error {
	t.Helper()
	left, right, compares := strings.Cut(line, " = ")
	if !compares {
		left, compares = strings.CutSuffix(line, " absent")
		if !compares {
			return errors.New("must end in ` = JSON` or ` absent`")
		}
	}
	words := strings.Fields(left)
	var expected any
	if right != "" {
		if err := json.Unmarshal([]byte(right), &expected); err != nil {
			return fmt.Errorf("must compare with JSON: %w", err)
		}
	}
	if len(words) == 2 && words[0] == "count" {
		if got := float64(len(result.of(words[1]))); got != expected {
			return fmt.Errorf("got %v", got)
		}
		return nil
	}
	if len(words) != 3 {
		return errors.New("must name a type, a logical id and a path")
	}
	_, r := result.one(t, words[0], words[1])
	got, present := at(r.Properties, words[2])
	switch {
	case right == "" && present:
		return fmt.Errorf("got %v", got)
	case right != "" && !present:
		return errors.New("is absent")
	case right != "" && !reflect.DeepEqual(got, expected):
		return fmt.Errorf("got %v", got)
	}
	return nil
}
