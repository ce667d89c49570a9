package settings

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Capabilities of the search domain's instance types. Sources: Amazon OpenSearch Service Developer Guide, "Amazon
// OpenSearch Service quotas" (EBS volume size quotas, network quotas), "Supported instance types" and "OpenSearch
// optimized instances"; for families without encryption, EBS or the master role the service's responses to
// DescribeInstanceTypeLimits and ListInstanceTypeDetails for OpenSearch 2.19.

// Bounds in GiB of a gp3 volume where the quotas name no narrower ones: the smallest of all types and the largest.
const (
	minVolumeGiB = 10
	maxVolumeGiB = 36864
)

// instanceType is a type of data or master node, for example t3.small.search.
type instanceType struct {
	name, family, size string
}

var instanceTypeForm = regexp.MustCompile(`^([a-z][a-z0-9]*)\.(nano|micro|small|medium|large|[0-9]*xlarge)\.search$`)

// parseInstanceType reports whether the name has the form of an instance type.
func parseInstanceType(name string) (instanceType, bool) {
	part := instanceTypeForm.FindStringSubmatch(name)
	if part == nil {
		return instanceType{}, false
	}
	return instanceType{name, part[1], part[2]}, true
}

// volumes gives the largest gp3 volume (GiB) of each size of a family.
type volumes map[string]int

var (
	generalPurpose = volumes{
		"medium":   512,
		"large":    768,
		"xlarge":   2048,
		"2xlarge":  3072,
		"4xlarge":  6144,
		"8xlarge":  12288,
		"12xlarge": 18432,
		"16xlarge": 24576,
	}
	compute = volumes{"large": 256, "xlarge": 512, "2xlarge": 1024, "4xlarge": 1536, "8xlarge": 3072, "12xlarge": 4608,
		"16xlarge": 6144}
	memory = volumes{"medium": 768, "large": 1536, "xlarge": 3072, "2xlarge": 6144, "4xlarge": 12288, "8xlarge": 16384,
		"12xlarge": 24576, "16xlarge": 36864}
	optimized = volumes{"medium": 768, "large": 1532, "xlarge": 3072, "2xlarge": 6144, "4xlarge": 12288, "8xlarge": 16384,
		"12xlarge": 24576, "16xlarge": 36864}
)

func (v volumes) withoutSize(size string) volumes {
	rest := volumes{}
	for s, limit := range v {
		if s != size {
			rest[s] = limit
		}
	}
	return rest
}

// gp3Volumes are the families that can serve this domain: EBS volumes of type gp3 and encryption at rest.
var gp3Volumes = map[string]volumes{
	"t3":  {"small": 100, "medium": 200},
	"m5":  {"large": 1024, "xlarge": 2048, "2xlarge": 3072, "4xlarge": 6144, "12xlarge": 18432},
	"m6g": {"large": 1024, "xlarge": 2048, "2xlarge": 3072, "4xlarge": 6144, "8xlarge": 12288, "12xlarge": 18432},
	"m7g": generalPurpose,
	"m8g": generalPurpose,
	"m7i": generalPurpose.withoutSize("medium"),
	"c5":  {"large": 256, "xlarge": 512, "2xlarge": 1024, "4xlarge": 1536, "9xlarge": 3584, "18xlarge": 7168},
	"c6g": compute.withoutSize("16xlarge"),
	"c7g": compute,
	"c8g": compute,
	"c7i": compute,
	"r5":  {"large": 2048, "xlarge": 3072, "2xlarge": 6144, "4xlarge": 12288, "12xlarge": 24576},
	"r6g": {"large": 2048, "xlarge": 3072, "2xlarge": 6144, "4xlarge": 12288, "8xlarge": 16384, "12xlarge": 24576},
	"r7g": memory,
	"r8g": optimized, // the quotas give r8g.large 1,532 GiB and the other sizes as r7g
	"r7i": memory.withoutSize("medium"),
	"or1": optimized,
	"or2": optimized,
	"om2": {"large": 768, "xlarge": 2048, "2xlarge": 3072, "4xlarge": 6144, "8xlarge": 12288, "12xlarge": 18432,
		"16xlarge": 24576},
}

// unfit has the families that cannot serve this domain, which always has gp3 volumes and encryption at rest, with the
// reason.
var unfit = map[string]string{
	"t2": noEncryption, "m3": noEncryption, "r3": noEncryption,
	"m4": noGP3, "c4": noGP3, "r4": noGP3, "i2": noGP3,
	"i3": noEBS, "i4g": noEBS, "i4i": noEBS, "i7i": noEBS, "i8g": noEBS, "i8ge": noEBS, "im4gn": noEBS, "oi2": noEBS,
	"r6gd": noEBS, "r7gd": noEBS, "r8gd": noEBS,
	"ultrawarm1": "of hot data nodes: %s is for warm storage",
}

const (
	noEncryption = "that encrypts data at rest: %s does not"
	noGP3        = "with gp3 volumes: %s has none"
	noEBS        = "with EBS volumes: %s has local disks only"
)

// dataOnly are the families, among those of gp3Volumes, that cannot hold the master role.
var dataOnly = []string{"or1", "or2", "om2"}

// smallPayload are the types that accept HTTP requests of at most 10 MiB; the others accept 100 MiB.
var smallPayload = []string{"t3.small", "t3.medium", "m5.large", "m6g.large", "m7g.medium", "m7g.large", "c5.large",
	"c6g.large", "c7g.large", "or1.medium", "om2.large"}

// dataProblem says, after "must be a type ", why a data node cannot be of this type; empty when it can. Of a family
// that is not known here only the form is checked, so that a new one can be used.
func (t instanceType) dataProblem() string {
	if reason, ok := unfit[t.family]; ok {
		return fmt.Sprintf(reason, t.family)
	}
	if sizes, ok := gp3Volumes[t.family]; ok && sizes[t.size] == 0 {
		return fmt.Sprintf("that exists: %s comes as %s", t.family, orList(sizes.sizeNames()))
	}
	return ""
}

// masterProblem is [instanceType.dataProblem] for a dedicated master node.
func (t instanceType) masterProblem() string {
	if slices.Contains(dataOnly, t.family) {
		return fmt.Sprintf("of master nodes: %s is for data only", t.family)
	}
	return t.dataProblem()
}

// sizeNames returns the sizes, smallest first.
func (v volumes) sizeNames() []string {
	names := make([]string, 0, len(v))
	for _, size := range []string{"small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "9xlarge",
		"12xlarge", "16xlarge", "18xlarge"} {
		if v[size] > 0 {
			names = append(names, size)
		}
	}
	return names
}

// volumeGiB returns the bounds of the type's gp3 volume.
func (t instanceType) volumeGiB() (smallest, largest int) {
	smallest, largest = minVolumeGiB, maxVolumeGiB
	if t.optimized() {
		smallest = 20
	}
	if limit := gp3Volumes[t.family][t.size]; limit > 0 {
		largest = limit
	}
	return smallest, largest
}

// payloadMiB returns the largest HTTP request that the type accepts.
func (t instanceType) payloadMiB() int {
	if slices.Contains(smallPayload, t.family+"."+t.size) {
		return 10
	}
	return 100
}

var (
	optimizedFamily = regexp.MustCompile(`^o[imr][0-9]`)
	gravitonFamily  = regexp.MustCompile(`^[a-z]+[0-9]+[a-z]*g`)
	burstableFamily = regexp.MustCompile(`^t[0-9]`)
)

// optimized: OpenSearch-optimized types (OR1, OR2, OM2) keep a copy of the data in S3, need engine 2.11 and 20 GiB.
func (t instanceType) optimized() bool { return optimizedFamily.MatchString(t.family) }

// graviton: Graviton and Intel nodes cannot be mixed in one domain. The OpenSearch-optimized families are Graviton.
func (t instanceType) graviton() bool {
	return t.optimized() || gravitonFamily.MatchString(t.family)
}

// burstable: a domain of T types has at most 10 data nodes.
func (t instanceType) burstable() bool { return burstableFamily.MatchString(t.family) }

// processor names the type's processor for messages, with its article.
func (t instanceType) processor() string {
	if t.graviton() {
		return "a Graviton"
	}
	return "an Intel"
}

// orList joins words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// InstanceTypes returns the smallest type of every family that is known, for the tests that go through all families.
func InstanceTypes() []string {
	var types []string
	for _, family := range slices.Sorted(maps.Keys(gp3Volumes)) {
		types = append(types, family+"."+gp3Volumes[family].sizeNames()[0]+".search")
	}
	return types
}
