package settings

import (
	"testing"
)

func TestNotes(t *testing.T) {
	const quiet = `"dataFormat": "json", "openSearchReaderRoleArns": "arn:aws:iam::111122223333:role/Reader"`
	for _, test := range []struct {
		name, context string
		want          int
	}{
		{"nothing to say", `{` + quiet + `}`, 0},
		{"nothing about roles without a domain", `{"dataFormat": "json", "enableOpenSearch": false}`, 0},
		{"block with the same value", `{` + quiet + `, "logLevel": "warn", "bufferSizeMB": "7",
			"environments": {"dev": {"logLevel": "warn", "bufferSizeMB": 7}}}`, 0},
		{"block with another value", `{` + quiet + `, "logLevel": "warn", "environments": {"dev": {"logLevel": "info"}}}`, 1},
		{"block of another environment", `{` + quiet + `, "logLevel": "warn",
			"environments": {"staging": {"logLevel": "info"}}}`, 0},
		{"buffer that is large enough", `{"openSearchAdminRoleArns": ["arn:aws:iam::111122223333:role/A"],
			"bufferSizeMB": 64}`, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, notes, err := Load([]byte(test.context), none)
			if err != nil {
				t.Fatal(err)
			}
			if len(notes) != test.want {
				t.Errorf("got %q, want %d", notes, test.want)
			}
		})
	}
}

func TestDefaultZonesFitEveryCount(t *testing.T) {
	for wanted := 1; wanted <= 3; wanted++ {
		for nodes := 1; nodes <= 200; nodes++ {
			z := chooseZones(wanted, nodes)
			if z == 2 && nodes%2 != 0 || z == 3 && nodes < 3 || wanted == 1 && z != 1 {
				t.Errorf("%d nodes, %d zones wanted: got %d", nodes, wanted, z)
			}
		}
	}
}
