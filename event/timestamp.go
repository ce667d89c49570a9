package event

// isTimestamp reports whether text is a date and time in RFC 3339 that the search index's date mapping
// (strict_date_optional_time, which is java.time) takes as well. Of what RFC 3339 allows, that leaves out:
// a lower case t or z, a leap second (:60), offsets beyond 18 hours and fractions beyond nanoseconds.
func isTimestamp(text []byte) bool {
	// 2006-01-02T15:04:05, then a fraction, then Z or an offset
	if len(text) < len("2006-01-02T15:04:05Z") || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return false
	}
	year, month, day := two(text[0:])*100+two(text[2:]), two(text[5:]), two(text[8:])
	hour, minute, second := two(text[11:]), two(text[14:]), two(text[17:])
	if two(text[0:]) < 0 || two(text[2:]) < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return false
	}
	rest := text[19:]
	if rest[0] == '.' {
		n := 1
		for n < len(rest) && rest[n]-'0' <= 9 {
			n++
		}
		if n < 2 || n > 10 {
			return false
		}
		rest = rest[n:]
	}
	switch {
	case len(rest) == 1:
		return rest[0] == 'Z'
	case len(rest) == len("+01:00") && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':':
		hours, minutes := two(rest[1:]), two(rest[4:])
		return hours >= 0 && minutes >= 0 && minutes <= 59 && hours*60+minutes <= 18*60
	}
	return false
}

// two reads two digits; what is none gives a number below -1000.
func two(text []byte) int {
	a, b := text[0]-'0', text[1]-'0'
	if a > 9 || b > 9 {
		return -10000
	}
	return int(a)*10 + int(b)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
