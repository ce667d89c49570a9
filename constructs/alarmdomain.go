package constructs

import "fmt"

// watchDomain watches the domain by AWS's recommended alarms.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/cloudwatch-alarms.html
func (a *Alarms) watchDomain(d *SearchDomain) {
	of := ofDomain(d)
	// Fires when a primary shard is nowhere: writes to its index fail.
	a.on(domainInDanger, "domain-red", "a primary shard is not allocated", of("ClusterStatus.red", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	if d.DataNodes > 1 {
		// Fires when a replica is nowhere. A single node has no replicas: its index template says so.
		a.on(domainDegraded, "domain-yellow", "a replica shard is not allocated", of("ClusterStatus.yellow", "Maximum"),
			condition{atLeast, 1, 60, 5, 5})
	}
	// Fires at a quarter of a node's storage left; at about a fifth the domain blocks writes.
	free := float64(d.VolumeGB) * 1024 / 4
	a.on(domainInDanger, "domain-storage-low", fmt.Sprintf("a node has less than %.0f MiB free", free),
		of("FreeStorageSpace", "Minimum"),
		condition{atMost, free, 60, 1, 1})
	// Fires when the domain rejects writes, mostly for lack of storage or memory.
	a.on(domainInDanger, "domain-writes-blocked", "the domain blocks writes", of("ClusterIndexWritesBlocked", "Maximum"),
		condition{atLeast, 1, 300, 1, 1})
	// Fires when on some minute of a day a node was missing: AWS's form, which looks at the day's minimum.
	nodes := float64(d.DataNodes + d.MasterNodes)
	a.on(domainDegraded, "domain-node-missing",
		fmt.Sprintf("the domain had fewer than %.0f nodes at some time of a day", nodes),
		of("Nodes", "Minimum"), condition{below, nodes, 86_400, 1, 1})
	// Fires when the daily snapshot failed.
	a.on(domainDegraded, "domain-snapshot-failed", "the automated snapshot failed",
		of("AutomatedSnapshotFailure", "Maximum"), condition{atLeast, 1, 60, 1, 1})
	// Fires when the nodes are too small for the load.
	a.on(domainDegraded, "domain-cpu-high", "CPU stays above 80 %", of("CPUUtilization", "Maximum"),
		condition{atLeast, 80, 900, 3, 3})
	a.on(domainDegraded, "domain-memory-high", "the JVM heap stays above 95 %", of("JVMMemoryPressure", "Maximum"),
		condition{atLeast, 95, 60, 3, 3})
	a.on(domainDegraded, "domain-old-memory-high", "the old generation of the JVM heap stays above 80 %",
		of("OldGenJVMMemoryPressure", "Maximum"), condition{atLeast, 80, 60, 3, 3})
	// Fires when writes queue up or are rejected.
	a.on(domainDegraded, "domain-write-queue", "writes queue up in the domain", of("ThreadpoolWriteQueue", "Average"),
		condition{atLeast, 100, 60, 5, 5})
	a.onMath(domainDegraded, "domain-writes-rejected", "the domain turns writes away", "DIFF(rejected)",
		[]input{{"rejected", of("ThreadpoolWriteRejected", "Sum")}}, nil, condition{atLeast, 1, 60, 1, 1})
	// Fires when the key that encrypts the domain is disabled or its grant is gone: the data is about to be unreadable.
	a.on(domainInDanger, "domain-key-error", "the domain cannot use its key", of("KMSKeyError", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	a.on(domainInDanger, "domain-key-inaccessible", "the domain's key is inaccessible",
		of("KMSKeyInaccessible", "Maximum"),
		condition{atLeast, 1, 60, 1, 1})
	if d.MasterNodes > 0 {
		// Fires when the dedicated masters are too small, or cannot be reached.
		a.on(domainDegraded, "domain-master-cpu-high", "CPU of a dedicated master stays above 50 %",
			of("MasterCPUUtilization", "Maximum"),
			condition{atLeast, 50, 900, 3, 3})
		a.on(domainDegraded, "domain-master-memory-high", "the JVM heap of a dedicated master stays above 95 %",
			of("MasterJVMMemoryPressure", "Maximum"), condition{atLeast, 95, 60, 3, 3})
		a.on(domainInDanger, "domain-master-unreachable", "the dedicated masters cannot be reached",
			of("MasterReachableFromNode", "Maximum"),
			condition{below, 1, 300, 1, 1})
	}
}
