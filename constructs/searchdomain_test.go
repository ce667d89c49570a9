package constructs_test

import (
	"fmt"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// families are contexts with one instance type of every family that the settings know, all else as small as it goes.
func families() map[string]string {
	contexts := map[string]string{}
	for _, name := range settings.InstanceTypes() {
		contexts["family "+name] = `{"openSearchInstanceType": "` + name + `",
			"enableDataTransformation": false, "enableSourceBackup": false, "dataFormat": "json"}`
	}
	return contexts
}

// volumes are contexts by the size of the data nodes' volume, each with an instance type that has it: the sizes on both
// sides of each step of the minima, and one whose minima end at the instance's limit.
func volumes() map[string]string {
	contexts := map[string]string{}
	for size, instance := range map[int]string{
		20: "t3.small", 128: "r6g.large", 129: "r6g.large", 256: "r6g.large", 1024: "r6g.large", 1536: "r6g.large",
		6144: "r6g.2xlarge", 12288: "r6g.4xlarge",
	} {
		contexts[fmt.Sprintf("volume %d", size)] = fmt.Sprintf(
			`{"openSearchInstanceType": "%s.search", "openSearchVolumeSizeGB": %d, "dataFormat": "json"}`, instance, size)
	}
	return contexts
}

// A volume has the performance of the settings' table, not EC2's baseline, which OpenSearch Service rejects for a large
// one.
func TestVolumesOfTheDomain(t *testing.T) {
	for name, context := range volumes() {
		t.Run(name, func(t *testing.T) {
			config := load(t, context)
			iops, throughput := config.VolumePerformance()
			_, domain := synth(t, context).one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
			want(t, domain.Properties, "EBSOptions.VolumeSize", config.OpenSearchVolumeSizeGB)
			want(t, domain.Properties, "EBSOptions.Iops", iops)
			want(t, domain.Properties, "EBSOptions.Throughput", throughput)
			if config.OpenSearchVolumeSizeGB > 128 && throughput < 250 {
				t.Errorf("throughput: must be at least 250 (got %d)", throughput)
			}
		})
	}
}

// Every family that the settings accept makes a domain of its type: a family has bounds of its own (volume, version,
// masters).
func TestEveryInstanceFamilyIsDeployed(t *testing.T) {
	for name, context := range families() {
		t.Run(name, func(t *testing.T) {
			_, domain := synth(t, context).one(t, "AWS::OpenSearchService::Domain", "SearchDomain")
			want(t, domain.Properties, "ClusterConfig.InstanceType", strings.TrimPrefix(name, "family "))
			want(t, domain.Properties, "EBSOptions.VolumeType", "gp3")
		})
	}
}
