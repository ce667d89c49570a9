package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestScreen(t *testing.T) {
	t.Run("without a terminal there is no progress", func(t *testing.T) {
		var out bytes.Buffer
		s := newScreen(&out)
		s.beginStep("sending", 100)
		s.advanceBar(50)
		s.endStep()
		if out.Len() > 0 {
			t.Errorf("got %q", &out)
		}
	})
	t.Run("on a terminal a step is shown and taken away", func(t *testing.T) {
		for _, size := range []int64{-1, 0, 100} {
			var out bytes.Buffer
			s := &screen{out: &out, raw: &out, terminal: true}
			s.beginStep("sending", size)
			s.advanceBar(50)
			s.endStep()
			text := out.String()
			if !strings.Contains(text, "sending") ||
				strings.TrimSpace(text[strings.LastIndex(text, "sending")+1:]) == "" && !strings.HasSuffix(text, "\r") {
				t.Errorf("size %d: got %q", size, text)
			}
			if s.bar != nil {
				t.Errorf("size %d: the bar is still there", size)
			}
		}
	})
	t.Run("lines of text come whole between the bar's", func(t *testing.T) {
		var out bytes.Buffer
		s := &screen{out: &out, raw: &out, terminal: true}
		s.beginStep("sending", 100)
		if _, err := s.Write([]byte("a line\n")); err != nil {
			t.Fatal(err)
		}
		s.endStep()
		if !strings.Contains(out.String(), "\ra line\n") {
			t.Errorf("got %q", &out)
		}
	})
}

func TestFunctionLog(t *testing.T) {
	metrics, info, warning := `{"_aws":{},"Records":5}`+"\n", `{"level":"INFO","msg":"done"}`+"\n",
		`{"level":"WARN","msg":"careful"}`+"\n"
	for _, c := range []struct {
		rule string
		all  bool
		want string
	}{
		{"only what went wrong is shown", false, warning + "panic: x\n"},
		{"or all", true, metrics + info + warning + "panic: x\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var out bytes.Buffer
			log := functionLog{newScreen(&out), c.all}
			for _, line := range []string{metrics, info, warning, "panic: x\n"} {
				if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			}
			if out.String() != c.want {
				t.Errorf("got %q, want %q", &out, c.want)
			}
		})
	}
}
