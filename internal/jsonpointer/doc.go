// Package jsonpointer writes and reads the tokens of JSON Pointers (RFC 6901).
package jsonpointer
