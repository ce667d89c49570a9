package infer

// Bounds of what an inference remembers. Each has an answer in the report when it is reached.
const (
	// maxNodes is how many fields are followed, at all depths together.
	maxNodes = 4000
	// maxKeys is how many keys of one object are followed. A nested object with more is a map.
	maxKeys = 500
	// maxEventKeys is how many keys an event may have; one with more is not used.
	maxEventKeys = 5000
	// maxKeyBytes is the longest key that is followed.
	maxKeyBytes = 128
	// maxDepth is how many objects and arrays around a value are followed; what is deeper has no type.
	maxDepth = 12
	// maxDeclared is how many fields a schema declares. The mapping of an index has room for 1,000
	// (index.mapping.total_fields.limit), which are also for the fields that the transform adds.
	maxDeclared = 900
	// maxObjectBytes is the longest object that [Objects] reads, white space included. Firehose takes records of 1,000
	// KiB; an error object has them in base64.
	maxObjectBytes = 8 << 20
	// maxSample is how many values of a field of the event are remembered, by their hash, to count different ones.
	maxSample = 1024
	// maxValues is how many different values of a field are named in the report.
	maxValues     = 12
	maxValueBytes = 40
	// maxLooks is how many values of a field are looked at for personal data.
	maxLooks = 64
	// maxBroken is how many parts that are no events are named in the report.
	maxBroken = 20
	// missedBits are the bits of the set of keys that were not followed, 512 KiB.
	missedBits = 1 << 22
)
