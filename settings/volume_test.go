package settings

import (
	"maps"
	"slices"
	"testing"
)

func TestVolumePerformance(t *testing.T) {
	for _, c := range []struct {
		instance         string
		sizeGiB          int
		iops, throughput int
		why              string
	}{
		{"t3.small.search", 20, 3000, 125, "the default of dev"},
		{"r6g.large.search", 100, 3000, 125, "the default of production"},
		{"r6g.large.search", 128, 3000, 125, "the largest that is known to take 125"},
		{"r6g.large.search", 129, 3000, 250, "from here on 250 may be wanted"},
		{"t3.medium.search", 200, 3000, 250, "t3 carries 260"},
		{"r6g.large.search", 256, 3000, 250, "refused with 125"},
		{"r6g.large.search", 1000, 3000, 250, "3 a GiB are as many as the base"},
		{"r6g.large.search", 1024, 3072, 250, "3 a GiB are more than the base"},
		{"r6g.large.search", 1536, 4608, 250, ""},
		{"r7g.xlarge.search", 3072, 9216, 250, "3 TiB"},
		{"r7g.2xlarge.search", 3073, 9219, 500, "another 3 TiB begun"},
		{"r6g.2xlarge.search", 6144, 18_432, 500, ""},
		{"r6g.4xlarge.search", 12_288, 20_000, 593, "what the instance carries"},
		{"r5.12xlarge.search", 24_576, 40_000, 1187, "what the instance carries"},
		{"r7g.16xlarge.search", 36_864, 80_000, 2000, "the end of gp3"},
		{"or1.16xlarge.search", 36_864, 80_000, 2000, "a family without published limits"},
		{"m9g.large.search", 9000, 27_000, 750, "a family that is not known here"},
	} {
		s := Settings{OpenSearchInstanceType: c.instance, OpenSearchVolumeSizeGB: c.sizeGiB}
		if iops, throughput := s.VolumePerformance(); iops != c.iops || throughput != c.throughput {
			t.Errorf("%s with %d GiB: must have %d IOPS and %d MiB/s (got %d, %d) %s", c.instance, c.sizeGiB, c.iops,
				c.throughput, iops, throughput, c.why)
		}
	}
}

// A larger volume never has less, and every known type has its smallest and its largest volume within gp3's bounds.
func TestVolumePerformanceGrowsWithTheVolume(t *testing.T) {
	for _, family := range slices.Sorted(maps.Keys(gp3Volumes)) {
		for _, size := range gp3Volumes[family].sizeNames() {
			kind, _ := parseInstanceType(family + "." + size + ".search")
			if limits, published := ebsLimitsOf[family]; published && limits[size] == (ebsLimit{}) {
				t.Errorf("%s: has no limits, unlike the rest of its family", kind.name)
			}
			smallest, largest := kind.volumeGiB()
			lastIOPS, lastThroughput := 3000, 125
			for gib := smallest; gib <= largest; gib++ {
				iops, throughput := kind.gp3(gib)
				if iops < lastIOPS || throughput < lastThroughput || iops > 80_000 || throughput > 2000 {
					t.Fatalf("%s with %d GiB: must have at least %d IOPS and %d MiB/s (got %d, %d)", kind.name, gib, lastIOPS,
						lastThroughput, iops, throughput)
				}
				lastIOPS, lastThroughput = iops, throughput
			}
		}
	}
}
