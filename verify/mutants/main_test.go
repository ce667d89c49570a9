package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--help":                      {0, "Usage: make mutants"},
		"--list":                      {0, "bound-of-buffer-size"},
		"--list --json":               {0, `"name": "bound-of-buffer-size"`},
		"--only nothing":              {2, `--only: must be names or groups that --list shows (got "nothing")`},
		"file":                        {2, `must have no arguments but flags (got ["file"])`},
		"--timeout 0s":                {2, "--timeout: must be more than 0 (got 0s)"},
		"--root nowhere --only pages": {2, "the table does not fit the project"},
	} {
		var out bytes.Buffer
		code := run(context.Background(), strings.Fields(args), &out, &out)
		if code != want.code || !strings.Contains(out.String(), want.text) {
			t.Errorf("%s: must be %d, %q (got %d, %q)", args, want.code, want.text, code, out.String())
		}
	}
}

func TestReport(t *testing.T) {
	for want, outcomes := range map[int][]string{
		0:            {caught, caught},
		exitSurvived: {caught, survived},
		exitUnfit:    {survived, failed},
	} {
		for _, asJSON := range []bool{false, true} {
			var out bytes.Buffer
			r := newReport(&out, io.Discard, len(outcomes), asJSON)
			for _, outcome := range outcomes {
				if err := r.addResult(result{Outcome: outcome}); err != nil {
					t.Fatal(err)
				}
			}
			code, err := r.finish()
			if code != want || err != nil {
				t.Errorf("%v: must be %d (got %d, %v)", outcomes, want, code, err)
			}
			if asJSON && !json.Valid(out.Bytes()) {
				t.Errorf("%v: must be JSON (got %s)", outcomes, out.String())
			}
		}
	}
}
