package constructs_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// combinations are all accepted combinations of ingestion, front door, search, network and format.
func combinations() map[string]string {
	accepted, _ := allCombinations()
	return accepted
}

func allCombinations() (accepted, rejected map[string]string) {
	networks := map[string]string{"without search": `"enableOpenSearch": false`, "public": `"vpc": "none"`}
	for _, name := range []string{"vpc new", "vpc existing"} {
		networks[name] = strings.TrimSuffix(strings.TrimPrefix(variants[name], "{"), "}")
	}
	accepted, rejected = map[string]string{}, map[string]string{}
	for _, ingestion := range []string{"direct", "kinesis"} {
		for _, door := range []string{"", " front door"} {
			for _, format := range []string{"parquet", "orc", "json"} {
				for network, members := range networks {
					list := accepted
					if door != "" && ingestion == "direct" && network != "without search" {
						list = rejected
					}
					list["combination "+ingestion+door+" "+format+" "+network] = fmt.Sprintf(
						`{"ingestion": %q, "enableApi": %t, "dataFormat": %q, %s}`, ingestion, door != "", format, members)
				}
			}
		}
	}
	return accepted, rejected
}

// Each combination is accepted, and then verify/templates.sh checks its template, or rejected by one rule, which names
// the settings to change.
func TestCombinationsOfSettings(t *testing.T) {
	accepted, rejected := allCombinations()
	if len(accepted) != 39 || len(rejected) != 9 {
		t.Errorf("combinations: must be 39 and 9 (got %d, %d)", len(accepted), len(rejected))
	}
	all := maps.Clone(accepted)
	maps.Copy(all, rejected)
	for name, context := range all {
		_, _, err := settings.Load([]byte(context), func(string) (string, bool) { return "", false })
		switch {
		case rejected[name] == "" && err != nil:
			t.Errorf("%s: must be accepted (got %v)", name, err)
		case rejected[name] != "" && (err == nil || strings.Count(err.Error(), "\n") > 0 ||
			!strings.HasPrefix(err.Error(), "enableApi: must be false with ingestion direct and enableOpenSearch true")):
			t.Errorf("%s: must be rejected by the rule of enableApi alone (got %v)", name, err)
		}
	}
}
