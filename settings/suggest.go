package settings

import "strings"

// suggestKey returns the known key that the unknown one was most likely meant to be, or nothing when none is near.
func suggestKey(unknown string, known []string) string {
	if len(unknown) > 80 {
		return ""
	}
	unknown = foldKey(unknown)
	best, nearest := "", 1+max(2, len(unknown)/5)
	for _, key := range known {
		if d := editDistance(unknown, foldKey(key)); d < nearest && d < len(unknown) {
			best, nearest = key, d
		}
	}
	return best
}

// foldKey makes bufferSizeMB, buffer-size-mb and BUFFER_SIZE_MB equal.
func foldKey(key string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(key))
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
