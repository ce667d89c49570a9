package parquetrows

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text is a value of a Hive type as text: a map of strings as key=value, other nested values as JSON.
func Text(hiveType string, value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "null", nil
	case string:
		return v, nil
	case int32:
		if hiveType == "date" {
			return time.Unix(int64(v)*86400, 0).UTC().Format(time.DateOnly), nil
		}
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case map[string]any:
		if hiveType != "map<string,string>" {
			break
		}
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, fmt.Sprintf("%s=%v", key, v[key]))
		}
		if len(pairs) == 0 {
			return "null", nil
		}
		return strings.Join(pairs, " "), nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
