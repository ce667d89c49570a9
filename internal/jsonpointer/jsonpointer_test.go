package jsonpointer

import "testing"

func TestTokens(t *testing.T) {
	for key, token := range map[string]string{
		"": "", "a": "a", "a/b": "a~1b", "a~b": "a~0b", "~1": "~01", "~0": "~00", "/~/": "~1~0~1", "é~": "é~0",
	} {
		if got := Escape(key); got != token {
			t.Errorf("%q: got the token %q, want %q", key, got, token)
		}
		if got := Unescape(token); got != key {
			t.Errorf("%q: got the key %q, want %q", token, got, key)
		}
	}
	if got := Unescape("a~b"); got != "a~b" {
		t.Errorf("got %q", got)
	}
}
