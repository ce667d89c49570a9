package jsonscan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestInspect(t *testing.T) {
	digits := func(n int) string { return strings.Repeat("8", n) }
	arrays := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	var many strings.Builder
	for i := range 500 {
		fmt.Fprintf(&many, `"key %d": 1,`, i)
	}
	for value, want := range map[string]Findings{
		`1`: 0, `"a\"b"`: 0, `null`: 0, `{}`: 0, `[ ]`: 0, `{ "a" : { "a" : [ 1 , { "a" : 2 } ] } , "b" : "a" }`: 0,
		`{"a":1,"a":2}`: RepeatedKeys, `[1,{"b":{"a":1,"\u0061":2}}]`: RepeatedKeys, `{"":1,"":2}`: RepeatedKeys,
		`{"\ud800":1,"\ud801":2}`: LoneSurrogates, `{"\ud83d\ude00":1}`: 0,
		digits(1000): 0, digits(1001): LongNumbers, "-" + digits(1000): 0, digits(500) + "." + digits(500): 0,
		digits(500) + "." + digits(501): LongNumbers,
		digits(999) + "e-1":             0, digits(1000) + "E1": LongNumbers,
		`{"a":[` + digits(1001) + `]}`: LongNumbers,
		`"` + digits(1001) + `"`:       0,
		`{"` + digits(50_000) + `":1}`: 0, `{"` + digits(50_001) + `":1}`: LongKeys,
		`{"\u0061` + digits(49_999) + `":1}`: 0,
		arrays(20):                           0, arrays(21): DeepArrays, `{"a":` + arrays(21) + `}`: 0,
		strings.Repeat("[", 19) + `[1,{"a":[[]]},[ [2] ]]` + strings.Repeat("]", 19): DeepArrays,
		`{` + many.String() + `"x":1}`: 0, `{` + many.String() + `"key 499":1}`: RepeatedKeys,
		`{` + many.String() + `"key 3":1}`: RepeatedKeys,
	} {
		if got := Inspect([]byte(value)); got != want {
			t.Errorf("%.60s: %b, want %b", value, got, want)
		}
		s := NewScanner(NewNames("a"))
		if _, problem := s.Object([]byte(`{"x":`+value+`}`), 0); problem != None {
			t.Fatalf("%.60s: %v", value, problem)
		}
		if want != 0 && (!s.Odd || !s.Members[0].OddValue) {
			t.Errorf("%.60s: the scan does not mark it", value)
		}
	}
}

// TestOddKeys: exactly the odd keys are marked, wherever in the input a key is.
func TestOddKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"": true, "_": true, "_id": true, "a.b": true, ".": true, "a.": true, "abcdefghijklmno.": true,
		"abcdefgh.": true, "0123456789abcdefghij.x": true,
		"\\u0061": true, "_0123456789abcdefghij": true, strings.Repeat("k", MaxKeyBytes+1): true,
		"a": false, "id_": false, "a-b": false, "a/b": false, "0123456789abcdef": false,
		"0123456789abcdefghijklmnop": false, "größe": false,
		"name": false, "name.of_more than.16": false, "\\u006eame": false, strings.Repeat("k", MaxKeyBytes): false,
	} {
		for _, after := range []string{"", `,"some":"text that is long enough for the fast way"`} {
			s := NewScanner(NewNames("name", "name.of_more than.16"))
			for range 2 { // the second time some keys are expected
				if _, problem := s.Object([]byte(`{"name":1,"`+key+`":2`+after+`}`), 0); problem != None {
					t.Fatal(problem)
				}
				if s.Members[1].OddKey != want || s.Odd != want {
					t.Errorf("%.30q before %q: %v and %v, want %v", key, after, s.Members[1].OddKey, s.Odd, want)
				}
			}
		}
	}
}

// TestOddValueIsRare: of values in which nothing can be found few are marked, since each costs an inspection.
func TestOddValueIsRare(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	s, marked := NewScanner(NewNames()), 0
	const objects = 20_000
	for range objects {
		var b strings.Builder
		b.WriteString(`{"x":{`)
		for i := range 6 {
			fmt.Fprintf(&b, `"%c%x":1,`, 'a'+i, random.Uint64()>>random.IntN(60))
		}
		if _, problem := s.Object([]byte(b.String()+`"z":1}}`), 0); problem != None {
			t.Fatal(problem)
		}
		if s.Odd {
			marked++
		}
	}
	if marked > objects/10 {
		t.Errorf("%d of %d objects of seven keys were marked", marked, objects)
	}
}
