package settings

import (
	"testing"
)

func TestDefaultTypesFitTheirEnvironment(t *testing.T) {
	for family, sizes := range gp3Volumes {
		for size := range sizes {
			for _, environment := range Environments() {
				name := family + "." + size + ".search"
				context := `{"environment": "` + environment + `", "openSearchInstanceType": "` + name + `"}`
				if _, _, err := Load([]byte(context), none); err != nil {
					t.Errorf("%s in %s: %v", name, environment, err)
				}
			}
		}
	}
}
