package settings

import (
	"strings"
	"testing"
)

func TestListIsTrue(t *testing.T) {
	list := List()
	if len(list) != len(table(&Settings{})) {
		t.Fatalf("got %d settings", len(list))
	}
	for _, environment := range Environments() {
		s := load1(t, `{"environment": "`+environment+`", "dataFormat": "json"}`) // json leaves bufferSizeMB as it is
		rows := table(&s)
		for i, setting := range list {
			want := string(rows[i].field.encodeValue())
			switch setting.Key {
			case "environment", "dataFormat":
				continue
			case "openSearchAdminRoleArns", "openSearchReaderRoleArns":
				want = "[]"
			}
			if got := setting.Defaults[environment]; got != want {
				t.Errorf("%s: default in %s: got %s, want %s", setting.Key, environment, got, want)
			}
		}
	}
	for _, setting := range list {
		if setting.Accepts == "" || setting.Meaning == "" || strings.HasSuffix(setting.Meaning, ".") ||
			setting.Change == "" ||
			strings.HasSuffix(setting.Change, ".") {
			t.Errorf("%s: accepts %q, meaning %q, change %q", setting.Key, setting.Accepts, setting.Meaning, setting.Change)
		}
	}
}
