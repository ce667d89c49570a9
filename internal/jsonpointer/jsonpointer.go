package jsonpointer

import "strings"

// Escape writes a key as a token: ~ as ~0 and / as ~1.
func Escape(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// Unescape reads a token as a key. A ~ that is followed by neither 0 nor 1 stays.
func Unescape(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
