package constructs_test

// quietTimes are times without an incident.
var quietTimes = []incident{
	{title: "A healthy day", minutes: 1440, happens: func(plant) {}},
	{title: "A night without events", minutes: 1440, happens: func(p plant) { p.noEvents(began, 900) }},
	{title: "A deployment: functions replaced, throttled for three minutes", happens: func(p plant) {
		p.both("-transform Throttles", began, began+3, 4)
		p.both("-transform Errors", began, began+1, 1)
		p.both("-transform Duration", began, began+3, 900, 1400)
		p.both(" ExecuteProcessing.Success", began, began+3, 0.7)
	}},
	{title: "A first deployment: no data, then the first events", minutes: 4320, fresh: true, happens: func(p plant) {
		p.noEvents(0, 180)
		for name := range p.names {
			p.set(name, 0, 30)
		}
		p.queue(5, 30, 0, 0)
		// The nodes join one by one; until then shards are nowhere.
		for minute := 18; minute < 30; minute++ {
			p.set("domain Nodes", minute, minute+1, min(6, float64(minute-17)/2))
			p.set("domain ClusterStatus.red", minute, minute+1, 1)
			p.set("domain ClusterStatus.yellow", minute, minute+1, 1)
			p.set("domain MasterReachableFromNode", minute, minute+1, 0)
		}
	}},
}

// lakeRefused: S3 rejects everything that Firehose puts.
func (p plant) lakeRefused(from, until int) {
	p.setEvery("lake DeliveryToS3.Success", from, until, 5, 0)
	p.setEvery("lake BackupToS3.Success", from, until, 5, 0)
	p.set("lake DeliveryToS3.Records", from, until)
	p.set("lake DeliveryToS3.DataFreshness", from, until)
	p.set("lake FailedConversion.Records", from, until)
	p.backlog("lake DeliveryToS3.DataFreshness", from, until)
}

// backlog is the age of what waited since from, delivered in the 20 minutes after until.
func (p plant) backlog(name string, from, until int) {
	for minute := until; minute < until+20; minute++ {
		p.set(name, minute, minute+1, float64(until-from)*60*float64(until+20-minute)/20)
	}
}

// searchRefused: the domain indexes none of the documents, or only the given share of them.
func (p plant) searchRefused(from, until int, share float64) {
	p.set("search "+delivered+"Success", from, until, share)
	p.set("search DeliveryToS3.Success", from+10, until, 1)
	p.set("search "+delivered+"DataFreshness", from+10, until, 660) // after 600 s a document is given up
	if share == 0 {
		p.set("search "+delivered+"Records", from, until)
	}
	p.set("search "+delivered+"DataFreshness", until, until+10, 400)
	p.failing(from+11, until+120, 50_000)
}

// transformsFail: no batch gets through; each is given up after four tries.
func (p plant) transformsFail(from, until int, success float64) {
	p.both(" ExecuteProcessing.Success", from, until, success)
	for _, name := range []string{"DeliveryToS3.Success", "DeliveryToS3.Records", "DeliveryToS3.DataFreshness"} {
		p.set("lake "+name, from+5, until+5)
	}
	for _, name := range []string{"Success", "Records", "DataFreshness"} {
		p.set("search "+delivered+name, from+2, until+2)
	}
	p.failing(from+6, until+120, 20_000)
}

// incidents are those of the runbook, on production stacks.
var incidents = append(quietTimes, []incident{
	{title: "S3 rejects the streams: bucket policy, role", ended: 360, pages: "lake-late", after: 17,
		happens: func(p plant) { p.lakeRefused(began, 360) }},
	{title: "Records enter the lake stream and none leaves it", ended: 360, pages: "lake-late", after: 47,
		happens: func(p plant) {
			for _, name := range []string{"Success", "Records", "DataFreshness"} {
				p.set("lake DeliveryToS3."+name, began, 360)
			}
			p.backlog("lake DeliveryToS3.DataFreshness", began, 360)
		}},
	{title: "The lake's table was changed by hand", ended: 360, pages: "lake-late", after: 47, tickets: "records-failed",
		happens: func(p plant) {
			p.setEvery("lake FailedConversion.Records", began, 360, 5, 100_000)
			for _, name := range []string{"Records", "DataFreshness"} {
				p.set("lake DeliveryToS3."+name, began, 360)
			}
			p.failing(began+6, 480, 1000)
		}},
	{title: "The domain rejects the search stream's role", ended: 360, pages: "search-late", after: 3,
		tickets: "records-failed", happens: func(p plant) {
			p.set("search "+delivered+"AuthFailure", began, 360, 1)
			p.searchRefused(began, 360, 0)
		}},
	{title: "The domain cannot be reached", ended: 360, pages: "search-late", after: 13, tickets: "records-failed",
		happens: func(p plant) { p.searchRefused(began, 360, 0) }},
	{title: "Records enter the search stream and none leaves it", ended: 360, pages: "search-late", after: 47,
		happens: func(p plant) {
			for _, name := range []string{"Success", "Records", "DataFreshness", "AuthFailure", "DeliveryRejected"} {
				p.set("search "+delivered+name, began, 360)
			}
			p.backlog("search "+delivered+"DataFreshness", began, 360)
		}},
	{title: "A domain's volumes fill up", ended: 300, pages: "domain-in-danger", after: 1,
		tickets: "records-failed", happens: func(p plant) {
			p.set("domain FreeStorageSpace", began, 240, 24_000)
			p.set("domain FreeStorageSpace", 240, 300, 18_000)
			p.set("domain ClusterIndexWritesBlocked", 240, 300, 1)
			p.set("search "+delivered+"DeliveryRejected", 240, 300, 1)
			p.searchRefused(240, 300, 0)
		}},
	{title: "A data node is lost with a primary shard", ended: 150, pages: "domain-in-danger", after: 1,
		tickets: "domain-degraded, records-failed", minutes: 2880, happens: func(p plant) {
			p.set("domain Nodes", began, 150, 5)
			p.set("domain ClusterStatus.red", began, 140, 1)
			p.set("domain ClusterStatus.yellow", began, 190, 1)
			p.searchRefused(began, 140, 0.7)
		}},
	{title: "The dedicated masters cannot be reached", ended: 150, pages: "domain-in-danger", after: 5,
		happens: func(p plant) { p.set("domain MasterReachableFromNode", began, 150, 0) }},
	{title: "The KMS key is disabled", ended: 360, pages: "domain-in-danger", after: 1,
		happens: func(p plant) {
			p.set("domain KMSKeyError", began, 360, 1)
			p.set("domain KMSKeyInaccessible", began, 360, 1)
			p.lakeRefused(began, 360)
			p.set("error-handler Errors", began+5, began+60, 1)
			p.set("error-handler DestinationDeliveryFailures", began+5, began+60, 1)
		}},
	{title: "A deployed transform fails on every batch", ended: 360, pages: "records-failing", after: 3,
		tickets: "records-failed", happens: func(p plant) {
			p.both("-transform Errors", began, 360, 40)
			p.transformsFail(began, 360, 0)
		}},
	{title: "Lambda throttles the transforms", ended: 240, pages: "records-failing", after: 5, tickets: "records-failed",
		happens: func(p plant) {
			p.both("-transform Throttles", began, 240, 100)
			p.transformsFail(began, 240, 0.1)
		}},
	{title: "Producers exceed the quota", ended: 300, pages: "events-not-accepted", after: 36, tickets: "capacity-low",
		happens: func(p plant) {
			p.both(" IncomingBytes", began, 300, 60*0.95*(5<<20))
			p.both(" ThrottledRecords", began+30, 300, 900)
		}},
	{title: "The error handler fails", ended: 300, pages: "failure-path-broken", after: 13, tickets: "records-failed",
		happens: func(p plant) {
			p.failing(began, 420, 10)
			p.set("error-handler Errors", began, 300, 3)
			p.set("error-handler AsyncEventAge", began+60, 300, 4_000_000)
		}},
	{title: "The queue rejects the error handler's dead letters", ended: 300, pages: "failure-path-broken", after: 13,
		happens: func(p plant) {
			p.set("error-handler Errors", began, 300, 3)
			p.set("error-handler DestinationDeliveryFailures", began+5, 300, 1)
			p.set("error-handler AsyncEventsDropped", began+5, 300, 1)
		}},
	{title: "Only the source backup fails", ended: 300, pages: "failure-path-broken", after: 25,
		happens: func(p plant) { p.setEvery("lake BackupToS3.Success", began, 300, 5, 0) }},
	{title: "Failed documents cannot be written to S3", ended: 300, pages: "failure-path-broken", after: 21,
		happens: func(p plant) { p.set("search DeliveryToS3.Success", began, 300, 0) }},
	{title: "One event is not JSON", tickets: "records-failed", happens: func(p plant) { p.failing(began, 420, 1) }},
	{title: "Answers of a transform reach 6 MB", tickets: "records-failed", happens: func(p plant) {
		p.set("lake TooLarge", began, began+30, 12)
		p.failing(began+6, 420, 300)
	}},
	{title: "Dead letters are left in the queue", minutes: 12 * 1440,
		tickets: "dead-letters-expiring, dead-letters-waiting, records-failed",
		happens: func(p plant) { p.failing(began, 12*1440, 40) }},
	{title: "The domain is too small for the load", tickets: "domain-degraded", happens: func(p plant) {
		p.set("domain CPUUtilization", began, 300, 95)
		p.set("domain JVMMemoryPressure", began, 300, 96)
		p.set("domain OldGenJVMMemoryPressure", began, 300, 85)
		p.set("domain ThreadpoolWriteQueue", began, 300, 300)
		for minute := began; minute < 300; minute++ {
			p.set("domain ThreadpoolWriteRejected", minute, minute+1, float64(12+minute-began))
		}
		p.set("domain ThreadpoolWriteRejected", 300, halfDay, 192)
	}},
	{title: "The dedicated masters are too small", tickets: "domain-degraded", happens: func(p plant) {
		p.set("domain MasterCPUUtilization", began, 300, 70)
		p.set("domain MasterJVMMemoryPressure", began, 300, 96)
	}},
	{title: "AWS replaces a node, or changes the domain", minutes: 2880, tickets: "domain-degraded",
		happens: func(p plant) {
			p.set("domain Nodes", began, began+12, 5)
			p.set("domain ClusterStatus.yellow", began, began+40, 1)
		}},
	{title: "A snapshot of the domain fails", tickets: "domain-degraded", happens: func(p plant) {
		p.set("domain AutomatedSnapshotFailure", began, began+60, 1)
	}},
	{title: "A transform becomes slow", tickets: "capacity-low", happens: func(p plant) {
		p.set("lake-transform Duration", began, 300, 52_000, 55_000)
	}},
	{title: "The error handler is throttled or slow", tickets: "capacity-low, records-failed", happens: func(p plant) {
		p.failing(began, 420, 100)
		p.set("error-handler Throttles", began, 150, 20)
		p.set("error-handler Duration", began, 300, 250_000, 280_000)
	}},
	{title: "Data stream: producers put more than it scales up for, or to one shard", dataStream: true, ended: 240,
		pages: "events-not-accepted", after: 6, happens: func(p plant) {
			p.set("data WriteProvisionedThroughputExceeded", began, 240, 300)
		}},
	{title: "Data stream: a third application reads its shards, too", dataStream: true, tickets: "capacity-low",
		happens: func(p plant) {
			p.set("data ReadProvisionedThroughputExceeded", began, 300, 40)
			p.both(" ThrottledGetRecords", began, 300, 20)
			p.both(" KinesisMillisBehindLatest", began, 300, 30_000)
		}},
	{title: "Data stream: S3 rejects the streams", dataStream: true, ended: 360, pages: "lake-late", after: 17,
		happens: func(p plant) {
			p.lakeRefused(began, 360)
			p.readsLate("lake", began, 360)
		}},
	{title: "Data stream: the search stream does not keep up", dataStream: true, ended: 360, pages: "search-late",
		after: 24, happens: func(p plant) { p.readsLate("search", began, 360) }},
	{title: "Data stream: nobody ends that for 14 hours of 24", dataStream: true, minutes: 2 * 1440, ended: began + 840,
		pages: "search-late, records-expiring", after: 24, ignored: true,
		happens: func(p plant) { p.readsLate("search", began, began+840) }},
	{title: "Front door: its role may not put records any more", dataStream: true, ended: 240, pages: "events-not-accepted",
		after: 3, happens: func(p plant) { p.set("api 5XXError", began, 240, 1) }},
	{title: "Front door: a client sends more requests than it accepts", dataStream: true,
		tickets: "api-rejecting", happens: func(p plant) { p.set("api 4XXError", began, 240, 0.4) }},
	{title: "Front door: the data stream answers slowly", dataStream: true, tickets: "capacity-low",
		happens: func(p plant) { p.set("api Latency", began, 240, 900, 8000) }},
}...)

// readsLate: a stream reads nothing more, and catches up within 20 minutes.
func (p plant) readsLate(stream string, from, until int) {
	const minute = 60_000
	for at := from; at < until; at++ {
		p.set(stream+" KinesisMillisBehindLatest", at, at+1, float64(at-from)*minute)
	}
	for at := until; at < until+20; at++ {
		p.set(stream+" KinesisMillisBehindLatest", at, at+1, float64(until-from)*minute*float64(until+20-at)/20)
	}
}
