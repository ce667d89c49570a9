package settings

import "math"

// gp3 volumes of OpenSearch Service. CloudFormation needs explicit IOPS and throughput, and the service rejects values
// below those included in the price of the volume; CloudFormation then shows an internal error. These minima grow with
// the volume, unlike the baseline of EC2's gp3 (3,000 IOPS, 125 MiB/s).
//
//   - Throughput: 125 MiB/s is accepted at 128 GiB and rejected at 256 GiB, where the least is 250 MiB/s; each further
//     3 TiB adds 250. From which size on 250 are wanted is not published (170 GiB, by reports): 250 are accepted below.
//     https://github.com/ministryofjustice/cloud-platform-environments/pull/11233,
//     https://github.com/hashicorp/terraform-provider-aws/issues/39136 (the formula of AWS's price calculator),
//     https://github.com/awsdocs/aws-cloudformation-user-guide/issues/1324 (what CloudFormation shows).
//   - IOPS: 3,000, and 3 for each GiB where that is more (same sources; 1,400 GiB take 4,200 IOPS and 350 MiB/s:
//     https://github.com/macro-inc/macro/pull/5661).
//   - Both end at the limit of the instance type ("Throughput must be set to 593", for 4,750 Mbit/s:
//     https://github.com/ministryofjustice/cloud-platform-infrastructure/pull/3202), and at gp3's own end, 80,000 IOPS
//     and 2,000 MiB/s.
//     https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-opensearchservice-domain-ebsoptions.html
const (
	baseIOPS            = 3000
	iopsPerGiB          = 3
	baseThroughputMiB   = 125
	baseThroughputGiB   = 128 // the largest volume that is known to take baseThroughputMiB
	throughputStepMiB   = 250
	throughputStepGiB   = 3072
	largestIOPS         = 80_000
	largestThroughput   = 2000
	megabitsPerMegabyte = 8
)

// ebsLimit is the most that an instance carries to its volumes.
type ebsLimit struct{ megabits, iops int }

// ebsLimits are the limits of a generation by size. https://docs.aws.amazon.com/ec2/latest/instancetypes/ (EBS
// specifications: maximum bandwidth in Mbit/s and maximum IOPS of each size)
type ebsLimits map[string]ebsLimit

func sameUpTo(limit ebsLimit, larger ebsLimits, sizes ...string) ebsLimits {
	limits := ebsLimits{}
	for _, size := range sizes {
		limits[size] = limit
	}
	for size, own := range larger {
		limits[size] = own
	}
	return limits
}

var (
	intel5 = sameUpTo(ebsLimit{4750, 18_750},
		ebsLimits{"9xlarge": {9500, 40_000}, "12xlarge": {9500, 40_000}, "18xlarge": {19_000, 80_000}}, "large",
		"xlarge",
		"2xlarge", "4xlarge")
	graviton2 = sameUpTo(ebsLimit{4750, 20_000}, ebsLimits{"8xlarge": {9000, 40_000}, "12xlarge": {13_500, 50_000}},
		"large", "xlarge", "2xlarge", "4xlarge")
	generation7 = sameUpTo(ebsLimit{10_000, 40_000},
		ebsLimits{"12xlarge": {15_000, 60_000}, "16xlarge": {20_000, 80_000}},
		"medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
)

// ebsLimitsOf are the families whose limits are published: the OpenSearch-optimized ones name no EC2 instance.
var ebsLimitsOf = map[string]ebsLimits{
	"t3": {"small": {2085, 11_800}, "medium": {2085, 11_800}},
	"m5": intel5, "c5": intel5, "r5": intel5,
	"m6g": graviton2, "c6g": graviton2, "r6g": graviton2,
	"m7g": generation7, "c7g": generation7, "r7g": generation7,
	"m8g": generation7, "c8g": generation7, "r8g": generation7,
	"m7i": generation7, "c7i": generation7, "r7i": generation7,
}

// VolumePerformance returns the least IOPS and throughput (MiB/s) that OpenSearch Service accepts for the data nodes'
// gp3 volumes. Their price includes both.
func (s Settings) VolumePerformance() (iops, throughputMiB int) {
	return s.dataType().gp3(s.OpenSearchVolumeSizeGB)
}

// gp3 is [Settings.VolumePerformance] of a volume on the type.
func (t instanceType) gp3(sizeGiB int) (iops, throughputMiB int) {
	iops, throughputMiB = max(baseIOPS, iopsPerGiB*sizeGiB), baseThroughputMiB
	if sizeGiB > baseThroughputGiB {
		throughputMiB = throughputStepMiB * int(math.Ceil(float64(sizeGiB)/throughputStepGiB))
	}
	iops, throughputMiB = min(iops, largestIOPS), min(throughputMiB, largestThroughput)
	if limit, known := ebsLimitsOf[t.family][t.size]; known {
		iops, throughputMiB = min(iops, limit.iops), min(throughputMiB, limit.megabits/megabitsPerMegabyte)
	}
	return iops, throughputMiB
}
