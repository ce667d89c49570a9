package infer

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// splitWords splits a key into its words, in lower case: sourceIPAddress, source_ip_address and source-ip-address have
// the same.
func splitWords(key string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(key)
	for i, c := range runes {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			end()
			continue
		case unicode.IsUpper(c) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsUpper(runes[i-1]) &&
			i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			end()
		}
		word = append(word, c)
	}
	end()
	return words
}

func wordSet(words ...string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(strings.Join(words, " ")) {
		set[word] = true
	}
	return set
}

// personalWords are words of keys whose values may be personal data, or secrets.
var personalWords = wordSet(`email mail phone mobile msisdn telephone fax ip ipaddress address street zip postcode postal
	birth birthday birthdate dob ssn passport iban creditcard latitude longitude lat lon lng gps geo password passwd secret
	apikey token authorization cookie cookies surname firstname lastname fullname username login nickname gender ethnicity
	religion nationality fingerprint signature`)

// ofPerson are words before name, as in first_name and userName, and of objects whose name is a person's.
var ofPerson = wordSet(`first last full given family middle user display nick sur maiden customer person contact employee
	owner author actor profile traits identity member account holder recipient sender guest passenger patient driver principal`)

// notPersonal are words that turn a personal word into something else: pageToken, ip_version.
var notPersonal = wordSet(`page version count type format status policy expiry expires verified enabled template subject
	domain limit`)

// isPersonal reports whether the key, in objects of these keys, sounds like personal data or a secret.
func isPersonal(path []string) bool {
	words := splitWords(path[len(path)-1])
	if slices.ContainsFunc(words, func(word string) bool { return notPersonal[word] }) {
		return false
	}
	for i, word := range words {
		switch {
		case personalWords[word]:
			return true
		case word != "name" && word != "names":
		case i > 0 && ofPerson[words[i-1]]:
			return true
		case i == 0 && len(words) == 1 && len(path) == 1:
			return true
		case i == 0 && len(words) == 1:
			for _, parent := range splitWords(path[len(path)-2]) {
				if ofPerson[parent] || ofPerson[strings.TrimSuffix(parent, "s")] {
					return true
				}
			}
		}
	}
	return false
}

// mapWords are keys of objects that often are maps.
var mapWords = wordSet("labels label annotations tags headers params parameters metadata attributes dimensions")

func soundsLikeMap(key string) bool {
	words := splitWords(key)
	return len(words) > 0 && mapWords[words[len(words)-1]]
}

// idWords are last words of keys of identifiers.
var idWords = wordSet("id ids uuid guid key code sku ean isbn number no zip postcode phone account version hash serial")

func soundsLikeID(key string) bool {
	words := splitWords(key)
	return len(words) > 0 && idWords[words[len(words)-1]]
}

// eventIDs and eventTypes are keys of the event's identifier and type, the surest first; compared as words with _
// between.
var (
	eventIDs = []string{"event_id", "message_id", "event_uuid", "id", "uuid", "request_id", "audit_id", "record_id",
		"log_id"}
	eventTypes = []string{"event_type", "event_name", "event", "message_type", "type", "action", "verb", "kind"}
)

func rankOf(key string, ranks []string) int {
	return slices.Index(ranks, strings.Join(splitWords(key), "_"))
}

// isDataKey reports whether a key looks like data and not like a name: a number, a UUID, an e-mail or IP address, a
// date.
func isDataKey(key []byte) bool {
	digits, letters, others := 0, 0, 0
	for _, c := range key {
		switch {
		case c-'0' <= 9:
			digits++
		case c|0x20 >= 'a' && c|0x20 <= 'f' && len(key) >= 16, c == '-', c == ':', c == '.', c == '/', c == '+':
			others++
		default:
			letters++
		}
	}
	return letters == 0 && digits > 0 || looksLikeEmail(key)
}

// looksLikeEmail reports whether text has the form of an e-mail address.
func looksLikeEmail(text []byte) bool {
	at := bytes.IndexByte(text, '@')
	if at < 1 || len(text) > 254 || bytes.IndexByte(text[at+1:], '@') >= 0 ||
		bytes.ContainsAny(text, " /\\\"<>,;()[]") {
		return false
	}
	dot := bytes.LastIndexByte(text, '.')
	return dot > at+1 && dot < len(text)-2
}

// looksLikeAddress reports whether text has the form of an IPv4 address.
func looksLikeAddress(text []byte) bool {
	if len(text) < len("0.0.0.0") || len(text) > len("255.255.255.255") {
		return false
	}
	parts := bytes.Split(text, []byte{'.'})
	return len(parts) == 4 && !slices.ContainsFunc(parts, func(part []byte) bool {
		return !isDigits(part) || len(part) > 3 || len(part) == 3 && string(part) > "255"
	})
}
