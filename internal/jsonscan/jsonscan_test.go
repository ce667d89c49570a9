package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func nested(open string, depth int, inner, close string) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(close, depth)
}

func TestObject(t *testing.T) {
	for _, c := range []struct {
		rule    string
		data    string
		problem Problem
		offset  int // after the object, or of the problem
	}{
		{"an empty object", `{}`, None, 2},
		{"white space before is skipped", " \t\r\n{}", None, 6},
		{"what follows is not looked at", `{"a":1} x`, None, 7},
		{"every kind of value", `{"a":null,"b":true,"c":false,"d":-1.5e+3,"e":"x","f":{},"g":[]}`, None, 63},
		{"white space between all tokens", `{ "a" : [ 1 , { } ] , "b" : { "c" : [ ] } }`, None, 43},
		{"nothing is an unexpected end", ``, UnexpectedEnd, 0},
		{"an array is not an object", ` [1]`, NotAnObject, 1},
		{"a string is not an object", `"{}"`, NotAnObject, 0},
		{"a number is not an object", `12`, NotAnObject, 0},
		{"null is not an object", `null`, NotAnObject, 0},
		{"a broken array is invalid", `[1,]`, Syntax, 3},
		{"a byte order mark is invalid", "\xEF\xBB\xBF{}", Syntax, 0},
		{"a cut object", `{"a":1`, UnexpectedEnd, 6},
		{"a cut key", `{"a`, UnexpectedEnd, 3},
		{"a cut literal", `{"a":tru`, UnexpectedEnd, 8},
		{"a cut number", `{"a":-`, UnexpectedEnd, 6},
		{"a cut escape", `{"a":"\u12`, UnexpectedEnd, 10},
		{"a cut nested object", `{"a":{"b":1`, UnexpectedEnd, 11},
		{"a missing colon", `{"a" 1}`, Syntax, 5},
		{"a missing comma", `{"a":1 "b":2}`, Syntax, 7},
		{"a trailing comma", `{"a":1,}`, Syntax, 7},
		{"a trailing comma in an array", `{"a":[1,]}`, Syntax, 8},
		{"a key without quotes", `{a:1}`, Syntax, 1},
		{"single quotes", `{'a':1}`, Syntax, 1},
		{"a comment", `{/**/}`, Syntax, 1},
		{"brackets that do not match", `{"a":[}`, Syntax, 6},
		{"NaN", `{"a":NaN}`, Syntax, 5},
		{"Infinity", `{"a":Infinity}`, Syntax, 5},
		{"negative infinity", `{"a":-Infinity}`, Syntax, 6},
		{"an upper case literal", `{"a":True}`, Syntax, 5},
		{"a hexadecimal number", `{"a":0x1p-2}`, Syntax, 6},
		{"a leading plus", `{"a":+1}`, Syntax, 5},
		{"a leading zero", `{"a":01}`, Syntax, 6},
		{"a leading point", `{"a":.5}`, Syntax, 5},
		{"a trailing point", `{"a":1.}`, Syntax, 7},
		{"an exponent without digits", `{"a":1e}`, Syntax, 7},
		{"a huge exponent is a number", `{"a":1E400}`, None, 11},
		{"a raw control character", "{\"a\":\"\n\"}", Syntax, 6},
		{"a raw control character in a key", "{\"a\x1f\":1}", Syntax, 3},
		{"a null byte", "{\"a\":\"\x00\"}", Syntax, 6},
		{"an unknown escape", `{"a":"\x"}`, Syntax, 7},
		{"an escape that is no hexadecimal", `{"a":"\u00g0"}`, Syntax, 10},
		{"every escape", `{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}`, None, 42},
		{"an escaped lone surrogate is allowed by the grammar", `{"a":"\ud800"}`, None, 14},
		{"UTF-8 of two, three and four bytes", `{"a":"é€😀"}`, None, 17},
		{"an invalid byte", "{\"a\":\"abcdefgh\xffi\"}", InvalidUTF8, 14},
		{"an overlong form", "{\"a\":\"\xc0\xaf\"}", InvalidUTF8, 6},
		{"a surrogate in UTF-8", "{\"a\":\"\xed\xa0\x80\"}", InvalidUTF8, 6},
		{"beyond Unicode", "{\"a\":\"\xf4\x90\x80\x80\"}", InvalidUTF8, 6},
		{"a cut UTF-8 sequence", "{\"a\":\"\xe2\x82\"}", InvalidUTF8, 6},
		{"an invalid byte in a nested key", "{\"a\":{\"\xff\":1}}", InvalidUTF8, 7},
		{"depth 1,000", nested(`{"a":`, 1000, `1`, `}`), None, 6*1000 + 1},
		{"depth 1,001", nested(`{"a":`, 1001, `1`, `}`), TooDeep, 5 * 1000},
		{"depth 1,000 by arrays", `{"a":` + nested(`[`, 999, ``, `]`) + `}`, None, 5 + 2*999 + 1},
		{"depth 1,001 by arrays", `{"a":` + nested(`[`, 1000, ``, `]`) + `}`, TooDeep, 5 + 999},
	} {
		t.Run(c.rule, func(t *testing.T) {
			offset, problem := NewScanner(NewNames("a")).Object([]byte(c.data), 0)
			if problem != c.problem || offset != c.offset {
				t.Fatalf("got %v at %d, want %v at %d", problem, offset, c.problem, c.offset)
			}
		})
	}
}

func TestMembers(t *testing.T) {
	names := NewNames("id", "größe", "")
	s := NewScanner(names)
	scan := func(t *testing.T, data string) {
		t.Helper()
		if _, problem := s.Object([]byte(data), 0); problem != None {
			t.Fatal(problem)
		}
	}
	t.Run("offsets, kinds and names", func(t *testing.T) {
		data := `{"id":"a","x":[1, 2],"größe":12,"":null}`
		scan(t, data)
		want := []struct {
			key, value string
			name       int32
			kind       Kind
		}{{"id", `"a"`, 0, String}, {"x", `[1, 2]`, -1, Array}, {"größe", "12", 1, Number}, {"", "null", 2, Null}}
		for i, w := range want {
			m := &s.Members[i]
			if got := data[m.Start:m.End]; string(s.Key(m)) != w.key || got != w.value || m.Name != w.name ||
				m.Kind != w.kind {
				t.Errorf("member %d: %s %s %d %d", i, s.Key(m), got, m.Name, m.Kind)
			}
		}
		if !s.Spaced || s.Repeats {
			t.Error(s.Spaced, s.Repeats)
		}
	})
	t.Run("integers have neither fraction nor exponent", func(t *testing.T) {
		scan(t, `{"a":-0,"b":12,"c":1.0,"d":1e3}`)
		for i, want := range []bool{true, true, false, false} {
			if s.Members[i].Integer != want {
				t.Error(i, s.Members[i].Integer)
			}
		}
	})
	t.Run("an escaped key is the same key", func(t *testing.T) {
		for range 2 { // the second time the order is known
			scan(t, `{"\u0069d":1,"gr\u00f6\u00dfe":2}`)
			if s.Found[0] != 0 || s.Found[1] != 1 || s.Found[2] != -1 {
				t.Error(s.Found)
			}
		}
	})
	t.Run("of a repeated key the last counts", func(t *testing.T) {
		for range 3 {
			scan(t, `{"id":1,"x":1,"y":1,"\u0078":2,"id":2,"x":3,"ID":4}`)
			repeated := ""
			for _, m := range s.Members {
				repeated += fmt.Sprint(m.Repeated, " ")
			}
			if repeated != "true true false true false false false " || !s.Repeats || s.Found[0] != 4 {
				t.Error(repeated, s.Found)
			}
		}
	})
	t.Run("different lone surrogates are different keys", func(t *testing.T) {
		scan(t, `{"\ud800":1,"\ud801":2,"\ufffd":3}`)
		if s.Repeats {
			t.Error("taken for the same")
		}
	})
	t.Run("a key is not found again in the next object", func(t *testing.T) {
		scan(t, `{"x":1,"id":1}`)
		scan(t, `{"x":1}`)
		if s.Repeats || s.Found[0] != -1 {
			t.Error(s.Repeats, s.Found)
		}
	})
	t.Run("names that need escapes", func(t *testing.T) {
		s := NewScanner(NewNames("a\"b", "\xff", "\n"))
		for range 2 {
			if _, problem := s.Object([]byte(`{"a\"b":1,"\n":2}`), 0); problem != None || s.Found[0] != 0 ||
				s.Found[2] != 1 {
				t.Error(problem, s.Found)
			}
			if _, problem := s.Object([]byte(`{"a"b":1}`), 0); problem != Syntax {
				t.Error(problem)
			}
		}
	})
	t.Run("many keys take linear time", func(t *testing.T) {
		// 50,000 keys, each of them twice: a minute, if every key were compared with those before it.
		var b bytes.Buffer
		b.WriteString(`{"":0`)
		for i := range 100_000 {
			fmt.Fprintf(&b, `,"key%d":0`, i%50_000)
		}
		b.WriteByte('}')
		scan(t, b.String())
		repeated := 0
		for i := range s.Members {
			if s.Members[i].Repeated {
				repeated++
			}
		}
		if repeated != 50_000 {
			t.Error(repeated)
		}
	})
	t.Run("a warm scanner allocates nothing", func(t *testing.T) {
		data := []byte(`{"id":"a","x":[1, 2],"y":{"z":"\u00e9"}}`)
		if n := testing.AllocsPerRun(100, func() { s.Object(data, 0) }); n != 0 {
			t.Error(n)
		}
	})
}

// TestEveryByte puts every byte at every place of a few objects, and compares with encoding/json.
func TestEveryByte(t *testing.T) {
	s := NewScanner(NewNames("key", "a long name"))
	for _, template := range []string{
		`{"key":1234567890.1234567890e1234567890,"a long name":"a long string of text é\u00e9 \" end"}`,
		` { "key" : [ true , false , null , -0 , { "x" : "y" } ] } `,
	} {
		for at := range len(template) {
			data := []byte(template)
			for c := range 256 {
				data[at] = byte(c)
				end, problem := s.Object(data, 0)
				accepted := problem == None && SkipSpace(data, end) == len(data)
				if want := json.Valid(data) && utf8.Valid(data) && data[SkipSpace(data, 0)] == '{'; accepted != want {
					t.Fatalf("%q: %v (%v at %d), encoding/json: %v", data, accepted, problem, end, want)
				}
			}
		}
	}
}

func TestIsNumber(t *testing.T) {
	for text, want := range map[string][2]bool{
		"1": {true, true}, "-0": {true, true}, "1.5": {true, false}, "1e3": {true, false},
		"": {}, "-": {}, "+1": {}, ".5": {}, "1.": {}, "01": {}, "0x1p-2": {}, "NaN": {}, " 1": {}, "1 ": {}, "1_0": {},
	} {
		if number, integer := IsNumber([]byte(text)); [2]bool{number, integer} != want {
			t.Errorf("%q: %v %v", text, number, integer)
		}
	}
}

// FuzzObject compares the scanner with encoding/json and unicode/utf8.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"id":"x","id":2,"\u0069d":[]}`, ` {"a" : [ 1 , {"b":"\u00e9\ud83d\ude00"} ] , "c":1e5} `,
		`{"id":tru}`, "{\"a\":\"\xff\"}", `[1]`, `{"a":"\ud800"}`, `{"a":"é€😀"}`, `{"a":01}`, `{"a":1.}`, `{"a":-}`,
		"\xEF\xBB\xBF{}",
		`{"a":{"b":{"c":[[],{},"",0,null]}}}`, `{"12345678":"12345678","1234567":"1234567\n"}`, `{"a"b":1}`, "{\x000",
	} {
		f.Add([]byte(seed))
	}
	names := NewNames("id", "a", "12345678")
	warm := NewScanner(names)
	f.Fuzz(func(t *testing.T, data []byte) {
		end, problem := warm.Object(data, 0)
		if end < 0 || end > len(data) {
			t.Fatalf("offset %d of %d", end, len(data))
		}
		accepted := problem == None && SkipSpace(data, end) == len(data)
		want := json.Valid(data) && utf8.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
		if accepted != want && problem != TooDeep {
			t.Fatalf("accepted: %v (%v at %d), encoding/json: %v", accepted, problem, end, want)
		}
		if other, p := NewScanner(names).Object(data, 0); other != end || p != problem {
			t.Fatalf("a new scanner says %v at %d, a used one %v at %d", p, other, problem, end)
		}
		if !accepted {
			return
		}
		compareMembers(t, warm, data)
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil {
			t.Fatal(err)
		}
		if got := Compact(nil, data); !bytes.Equal(got, compact.Bytes()) {
			t.Fatalf("compact: %s, want %s", got, compact.Bytes())
		}
		if object := data[SkipSpace(data, 0):end]; warm.Spaced != (len(object) != compact.Len()) {
			t.Fatalf("spaced: %v", warm.Spaced)
		}
	})
}

// compareMembers compares the members with what encoding/json's decoder finds.
func compareMembers(t *testing.T, s *Scanner, data []byte) {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	last := map[string]int{}
	for i := range s.Members {
		m := &s.Members[i]
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		key := string(s.Key(m))
		if utf8.ValidString(key) && token != key { // not a lone surrogate, which the decoder replaces
			t.Fatalf("key %q, want %q", key, token)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if got := data[m.Start:m.End]; !bytes.Equal(got, value) {
			t.Fatalf("value %s, want %s", got, value)
		}
		if m.Kind == String && m.Escaped != bytes.ContainsRune(value, '\\') {
			t.Fatalf("escaped: %v", m.Escaped)
		}
		if before, ok := last[key]; ok != (ok && s.Members[before].Repeated) {
			t.Fatalf("%q at %d not marked", key, before)
		}
		last[key] = i
	}
	for i := range s.Members {
		if m := &s.Members[i]; m.Repeated == (last[string(s.Key(m))] == i) {
			t.Fatalf("%q at %d: repeated %v", s.Key(m), i, m.Repeated)
		}
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatal(err)
	}
}

// FuzzUnescape compares Unescape with encoding/json.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{``, `a\n\"\/`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\ude00\ud83dx`, `\ud83d\u0041`,
		`\uD83D\\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		text := []byte(`"` + content + `"`)
		end, escaped, problem := Text(text, 0)
		if problem != None || end != len(text)-1 {
			return
		}
		got := Unescape(nil, text[1:end])
		if escaped != strings.Contains(content, `\`) || !escaped && string(got) != content {
			t.Fatalf("escaped: %v, %q", escaped, got)
		}
		var want string
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		// The rest that is not UTF-8 are lone surrogates of three bytes each, for which encoding/json has U+FFFD.
		var valid []byte
		for rest := got; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				size = 3
			}
			valid = utf8.AppendRune(valid, r)
			rest = rest[size:]
		}
		if string(valid) != want {
			t.Fatalf("%q, want %q", valid, want)
		}
	})
}

// TestCharacters puts code points, and pairs and triples of bytes that may begin one, into a string, and compares with
// unicode/utf8.
func TestCharacters(t *testing.T) {
	check := func(content []byte) {
		t.Helper()
		// the last bytes of the data are read in another way
		for _, after := range []string{`"`, `" and so on to the end`} {
			data := append([]byte(`"`+string(content)), after...)
			_, _, problem := Text(data, 0)
			if valid := utf8.Valid(content); valid != (problem == None) || !valid && problem != InvalidUTF8 {
				t.Fatalf("%x: %v", content, problem)
			}
		}
	}
	for r := rune(0x80); r <= 0x10FFFF; r++ {
		check([]byte(string(r))) // for a surrogate U+FFFD
		if r > 0x11000 {
			r += 0x3F // and so on
		}
	}
	for first := 0x80; first < 256; first++ {
		for second := range 256 {
			if second < ' ' || second == '"' || second == '\\' {
				continue
			}
			check([]byte{byte(first), byte(second)})
			for _, third := range []byte{'x', 0x7F, 0x80, 0xBF, 0xC0, 0xFF} {
				check([]byte{byte(first), byte(second), third})
				check([]byte{byte(first), byte(second), third, 0x80})
				check([]byte{byte(first), byte(second), third, 0xC0})
			}
		}
	}
}
