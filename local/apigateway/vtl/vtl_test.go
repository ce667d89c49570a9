package vtl_test

import (
	"fmt"
	"strings"
	"testing"

	"firehose-pipeline/local/apigateway/vtl"
)

// object is a value with a property and a method, such as $input.
type object struct{}

func (object) Property(name string) any {
	if name == "body" {
		return "a\nb\n\nc\n\n"
	}
	return nil
}

func (object) Call(name string, arguments []any) (any, error) {
	if name != "join" {
		return nil, fmt.Errorf("no method %s", name)
	}
	return strings.TrimSuffix(fmt.Sprintln(arguments...), "\n"), nil
}

func variables() map[string]any {
	return map[string]any{"o": object{}, "text": "$text #end", "n": int64(3), "yes": true, "no": false,
		"list": []any{"a", "b"}, "map": map[string]any{"key": "value", "inner": map[string]any{}}}
}

func TestRender(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"", ""},
		{"plain $ text # 5 $5 #", "plain $ text # 5 $5 #"},
		{"a## comment\nb", "ab"},
		{"$text|${text}|$!text|$!{text}", "$text #end|$text #end|$text #end|$text #end"},
		{"$none|${none}|$!none|$!none.x.y()|$map.none", "$none|${none}|||$map.none"},
		{"$n.|$yes,${n}x", "3.|true,3x"},
		{"$map.key $map.inner.key", "value $map.inner.key"},
		{`#set($x = "a$n")$x`, "a3"},
		{"#set($x = 'a$n')$x", "a$n"},
		{`#set($map.inner.A-b = "h")$map.inner.size`, "$map.inner.size"},
		{"#if($yes)1#end", "1"},
		{"#if($no)1#elseif($n == 3)2#else3#end", "2"},
		{"#if($none || !$no && $n >= 3)1#end", "1"},
		{"#if(!($yes && $no))1#end", "1"},
		{`#if($text != "x" && $n < 4 && $n <= 3)1#end`, "1"},
		{"#foreach($x in $list)$x$foreach.count$foreach.index$foreach.hasNext,#end", "a10true,b21false,"},
		{"#foreach($x in $list)#foreach($y in $list)$x$y$foreach.count,#end$foreach.count#end", "aa1,ab2,1ba1,bb2,2"},
		{`$o.join("a", 'b', $n)`, "a b 3"},
		{"#set($l = $o.body.split(\"\n\"))$l.size()#foreach($x in $l)[$x]#end", "4[a][b][][c]"},
		{`#set($a = "")#set($l = $a.split(","))$l.size()`, "1"},
		{`#set($a = ",,")#set($l = $a.split(","))$l.size()`, "0"},
		{`#set($a = " x ")[$a.trim()]$a.length()$a.isEmpty()$a.contains("x")`, "[x]3falsetrue"},
		{`#set($a = "😀")$a.length()`, "2"},
	} {
		parsed, err := vtl.Parse(c.template)
		if err != nil {
			t.Errorf("%q: %v", c.template, err)
			continue
		}
		got, err := parsed.Render(variables())
		if err != nil || got != c.want {
			t.Errorf("%q: must be %q (got %q, %v)", c.template, c.want, got, err)
		}
	}
}

// What Velocity's versions render differently, or what is not modelled, is rejected with its line.
func TestParseRejects(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"a\n#macro(x)#end", "line 2: #macro is outside of the subset"},
		{"#parse('x')", "#parse is outside"},
		{"#[[ raw ]]#", "is outside of the subset"},
		{"#* comment *#", "is outside of the subset"},
		{"#{if}", "is outside of the subset"},
		{`\$x`, "escapes are outside"},
		{`\#if`, "escapes are outside"},
		{"#set($x = 1)\n", "white space after a directive"},
		{"#if($x)\na#end", "white space after a directive"},
		{"#if($x)a#end\n", "white space after a directive"},
		{" #if($x)a#end", "white space before a directive"},
		{"#if($x)a", "#if must end with #end"},
		{"#if($x)a#else b", "white space after a directive"},
		{"#if($x)a#else##\nb", "#else must end with #end"},
		{"#foreach($x in $y)a", "#foreach must end with #end"},
		{"a#end", "#end without a directive"},
		{"#set(x = 1)", "#set must begin with a reference"},
		{"#set($x 1)", `must be = (got "1)")`},
		{"#set($x = 1", `must be )`},
		{"#set($x = 1.5)", "must be )"},
		{"#set($x = -1)", "must be a string, a whole number"},
		{"#set($x = [1..3])", "must be a string, a whole number"},
		{"#set($x = $a + 1)", "must be )"},
		{"#set($x = 99999999999)", "must fit 32 bits"},
		{`#set($x = "a)`, "the string has no end"},
		{`#set($x = "#if($y)a#end")`, `# and \ in a string`},
		{`#set($x = "a\n$y")`, `# and \ in a string`},
		{"$x[0]", "[ after a reference"},
		{"$x-1", "- after a reference"},
		{"${x", "${ must end with }"},
		{"$x.y(1 2)", "must be ,"},
	} {
		_, err := vtl.Parse(c.template)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: must be rejected with %q (got %v)", c.template, c.want, err)
		}
	}
}

func TestRenderRejects(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"#set($x = $none)##", "the value must not be null"},
		{"#set($text.x = 1)##", "$text has no members"},
		{"$list", "a list or an object has no text"},
		{"#foreach($x in $text)a#end", "must be a list"},
		{"#foreach($x in $o.none)a#end", "must be a list"},
		{`#if($n == "3")a#end`, "both sides must be of one kind"},
		{`#if($none == "3")a#end`, "both sides must be strings"},
		{`#if($text > 3)a#end`, "both sides must be whole numbers"},
		{"$text.matches('a')", "must be trim()"},
		{"$text.split('.')", "one character without a meaning"},
		{"$text.split('ab')", "one character without a meaning"},
		{"$list.get(0)", "get of []interface {} is outside of the subset"},
		{"$o.other()", "no method other"},
	} {
		parsed, err := vtl.Parse(c.template)
		if err != nil {
			t.Errorf("%q: %v", c.template, err)
			continue
		}
		if _, err := parsed.Render(variables()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: must fail with %q (got %v)", c.template, c.want, err)
		}
	}
	parsed, err := vtl.Parse("#foreach($x in $list)a#end")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{vtl.MaxIterations, vtl.MaxIterations + 1} {
		out, err := parsed.Render(map[string]any{"list": make([]any, n)})
		if (err != nil) != (n > vtl.MaxIterations) || err == nil && len(out) != n {
			t.Errorf("%d rounds: got %d, %v", n, len(out), err)
		}
	}
}

// No template makes the parser or the renderer panic or hang.
func FuzzTemplate(f *testing.F) {
	f.Add("#set($x = \"a$n\")#if($x == 'a3' && !$no)${x}#elseif($n > 1)b#else##\nc#end#foreach($y in $list)$y#end")
	f.Add(`$o.join("a", 'b')$text.split("x")##`)
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := vtl.Parse(text)
		if err != nil {
			return
		}
		_, _ = parsed.Render(variables()) // an error is fine
	})
}
