package builtinrules_test

import (
	"slices"
	"testing"

	"firehose-pipeline/event"
	"firehose-pipeline/internal/testkit/builtinrules"
)

func itself(name string) string { return name }

func TestBeyond(t *testing.T) {
	t.Run("the shipped rules are there", func(t *testing.T) {
		for _, name := range builtinrules.Rules {
			if !slices.ContainsFunc(event.Rules, func(r event.Rule) bool { return r.Name == name }) {
				t.Errorf("event.Rules has no %s", name)
			}
		}
	})
	t.Run("of the shipped rules none is added", func(t *testing.T) {
		if got := builtinrules.Beyond(builtinrules.Rules, itself); len(got) != 0 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("added ones are, wherever they stand", func(t *testing.T) {
		names := slices.Concat(builtinrules.Rules[:3], []string{"a"}, builtinrules.Rules[3:], []string{"b"})
		if got := builtinrules.Beyond(names, itself); !slices.Equal(got, builtinrules.Added{"a", "b"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestCutFrom(t *testing.T) {
	const stamp = `"processed_timestamp":"NOW"`
	for _, c := range []struct{ rule, output, want string }{
		{"added fields go", `{"x":1,` + stamp + `,"a":true,"b":{"c":[1,"}"]}}`, `{"x":1,` + stamp + `}`},
		{"what is between and after them stays", `{` + stamp +
			`,"a":1,"data_quality_score":0,"b":"\",","malformed":{"a":"b"}}`,
			`{` + stamp + `,"data_quality_score":0,"malformed":{"a":"b"}}`},
		{"the event's own fields of these names stay",
			`{"a":1,"o":{"processed_timestamp":1,"b":2},"b":3,` + stamp + `,"a":4}`,
			`{"a":1,"o":{"processed_timestamp":1,"b":2},"b":3,` + stamp + `}`},
		{"a field written twice is cut once", `{` + stamp + `,"a":1,"b":2,"a":3}`, `{` + stamp + `,"a":3}`},
		{"a field that is neither shipped nor added stays", `{` + stamp + `,"c":1,"a":2}`, `{` + stamp + `,"c":1}`},
		{"bytes stay as they are", `{"\u0078" : 1.50E+2 ,"y":"é\/",` + stamp + `,"a":1 ,"z":[ ]}` + "\n",
			`{"\u0078" : 1.50E+2 ,"y":"é\/",` + stamp + ` ,"z":[ ]}` + "\n"},
		{"each line for itself", `{"x":1,` + stamp + `,"a":1}` + "\n" + `{"a":1}` + "\n" + `{` + stamp + `,"b":1}` +
			"\n",
			`{"x":1,` + stamp + `}` + "\n" + `{"a":1}` + "\n" + `{` + stamp + `}` + "\n"},
		{"what is no object stays", `{` + stamp + `,"a":1,"b"`, `{` + stamp + `,"a":1,"b"`},
		{"nothing stays nothing", ``, ``},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := (builtinrules.Added{"a", "b"}).CutFrom(c.output); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			if got := (builtinrules.Added{}).CutFrom(c.output); got != c.output {
				t.Errorf("with nothing added: got %q", got)
			}
		})
	}
}
