package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// attributesMD5 is MD5OfMessageAttributes: over all attributes by name, the length (4 bytes, big endian) and the bytes
// of name, data type and value, with a byte before the value that says string (1) or binary (2). Empty without
// attributes. See https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html.
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	sum := md5.New()
	write := func(b []byte) {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(b)))
		sum.Write(size[:])
		sum.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		write([]byte(name))
		write([]byte(a.DataType))
		if a.isBinary() {
			sum.Write([]byte{2})
			write(a.BinaryValue)
		} else {
			sum.Write([]byte{1})
			write([]byte(*a.StringValue))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (a Attribute) isBinary() bool {
	kind, _, _ := strings.Cut(a.DataType, ".")
	return kind == "Binary"
}

// sizeOf is the size that the attribute adds to a message: name, data type and value.
func (a Attribute) sizeOf(name string) int {
	n := len(name) + len(a.DataType) + len(a.BinaryValue)
	if a.StringValue != nil {
		n += len(*a.StringValue)
	}
	return n
}

func messageSize(body string, attributes map[string]Attribute) int {
	n := len(body)
	for name, a := range attributes {
		n += a.sizeOf(name)
	}
	return n
}

// checkAttributes returns SQS's error about a message's attributes.
func checkAttributes(attributes map[string]Attribute) *apiError {
	if len(attributes) > maxAttributes {
		return invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes),
			maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case !attributeName.MatchString(name) || strings.Contains(name, ".."):
			return invalidParameter("The message attribute name %q is invalid.", name)
		case kind != "String" && kind != "Number" && kind != "Binary":
			return invalidParameter("The type of message attribute '%s' is invalid. You must use only the following "+
				"supported type prefixes: Binary, Number, String.", name)
		case a.isBinary() && (a.StringValue != nil || len(a.BinaryValue) == 0), !a.isBinary() &&
			(a.BinaryValue != nil || a.StringValue == nil || *a.StringValue == ""):
			return invalidParameter("The message attribute '%s' must contain a non-empty value of its type '%s'.", name,
				a.DataType)
		case a.StringValue != nil && !validText(*a.StringValue):
			return invalidParameter("Invalid characters found in the value of message attribute '%s'.", name)
		}
	}
	return nil
}

// isWanted says whether a receiver that asks for these names gets this one: by itself, by a prefix before ".*", or all.
func isWanted(name string, names []string) bool {
	for _, n := range names {
		prefix, isPrefix := strings.CutSuffix(n, ".*")
		if n == "All" || n == name || n == ".*" || isPrefix && strings.HasPrefix(name, prefix+".") {
			return true
		}
	}
	return false
}

// validText says whether a text has only characters that XML 1.0 knows.
func validText(text string) bool {
	for _, r := range text {
		if r != '\t' && r != '\n' && r != '\r' && (r < 0x20 || r == 0xFFFE || r == 0xFFFF) {
			return false
		}
	}
	return true
}
