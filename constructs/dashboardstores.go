package constructs

import (
	"fmt"
	"strings"

	"firehose-pipeline/event"
)

// The second half of the dashboard: stores, failed records, logs.

func (p *painter) paintDelivery() {
	p.addText(2, "## Delivery", "Age of the oldest record that is not delivered, against the buffer interval; "+
		"records in and out; the share of deliveries that succeed. "+sections(p.ofStreams("delivery-lagging", "stalled")...))
	p.beginRow(graphHeight)
	for _, s := range p.Streams {
		of, destination, title := ofStream(s), deliveryTo(s), fmt.Sprintf("%s stream: ", s.Kind)
		freshness := of(destination+".DataFreshness", "Maximum")
		p.addGraph(gridColumns/3, streamPeriod, title+"freshness", "s", 0, []graphed{line(freshness, "oldest record")},
			append([]horizontal{{Label: "buffer interval", Value: float64(s.IntervalSeconds), Color: limitColor}},
				p.alarmAt(freshness)...)...)
		records := []graphed{line(of(incomingMetric(s), "Sum"), "accepted"), line(of(destination+".Records", "Sum"),
			"delivered")}
		if s.Converts {
			records = append(records, line(of("FailedConversion.Records", "Sum"), "not converted"))
		}
		p.addGraph(gridColumns/3, streamPeriod, title+"records", "records", 0, records)
		success := []graphed{line(of(destination+".Success", "Average"), "deliveries")}
		if s.Transform != nil {
			success = append(success, line(of("ExecuteProcessing.Success", "Average"), "transform"))
		}
		if s.Kind == event.Lake && s.BacksUp {
			success = append(success, line(of("BackupToS3.Success", "Average"), "source backup"))
		}
		if s.Kind == event.Search {
			success = append(success, line(of("DeliveryToS3.Success", "Average"), "backup"),
				line(of(destination+".AuthFailure", "Maximum"), "role refused").onRight(),
				line(of(destination+".DeliveryRejected", "Maximum"), "rejected").onRight())
		}
		p.addGraph(gridColumns/3, streamPeriod, title+"share of success", "1 is all", 1, success)
	}
}

func (p *painter) paintDomain(d *SearchDomain) {
	names := []string{"domain-red", "domain-storage-low", "domain-writes-blocked", "domain-cpu-high", "domain-memory-high"}
	if d.MasterNodes > 0 {
		names = append(names, "domain-master-unreachable")
	}
	p.addText(2, "## Search domain", "State, storage, load. "+sections(names...))
	p.beginRow(graphHeight)
	of := ofDomain(d)
	graph := func(title, label string, alarm metric, series ...graphed) {
		p.addGraph(gridColumns/3, functionPeriod, "domain: "+title, label, 0, series, p.alarmAt(alarm)...)
	}
	state := []graphed{line(of("ClusterStatus.red", "Maximum"), "red"), line(of("ClusterStatus.yellow", "Maximum"),
		"yellow"),
		line(of("ClusterIndexWritesBlocked", "Maximum"), "writes blocked")}
	if d.MasterNodes > 0 {
		state = append(state, line(of("MasterReachableFromNode", "Minimum"), "masters reachable"))
	}
	p.addGraph(gridColumns/3, functionPeriod, "domain: state", "1 is yes", 0, state)
	storage, cpu := of("FreeStorageSpace", "Minimum"), of("CPUUtilization", "Maximum")
	heap := of("JVMMemoryPressure", "Maximum")
	graph("free storage of the fullest node", "MiB", storage, line(storage, "free"))
	graph("nodes", "nodes", of("Nodes", "Minimum"), line(of("Nodes", "Minimum"), "nodes"))
	cpus, heaps := []graphed{line(cpu, "data nodes")}, []graphed{line(heap, "data nodes"),
		line(of("OldGenJVMMemoryPressure", "Maximum"), "old generation")}
	if d.MasterNodes > 0 {
		cpus = append(cpus, line(of("MasterCPUUtilization", "Maximum"), "masters"))
		heaps = append(heaps, line(of("MasterJVMMemoryPressure", "Maximum"), "masters"))
	}
	graph("CPU", "%", cpu, cpus...)
	graph("memory pressure", "%", heap, heaps...)
	queue := of("ThreadpoolWriteQueue", "Average")
	graph("writes", "requests", queue, line(queue, "queued"),
		graphed{expression: "DIFF(rejected)", options: map[string]any{"label": "rejected", "id": "newlyRejected"}},
		graphed{metric: of("ThreadpoolWriteRejected", "Sum"), options: map[string]any{"id": "rejected", "visible": false}})
}

func (p *painter) paintErrors() {
	p.addText(2, "## Failed records", "Error objects in S3, the error handler, and the dead letters that wait for "+
		"a replay (`pipeline replay --stack "+p.StackName+"`). "+
		sections("dead-letters", "dead-letters-expiring", "error-handler-errors", "error-handler-events-dropped"))
	p.beginRow(graphHeight)
	var records []graphed
	for _, s := range p.Streams {
		own := ofPipeline(p.StackName, s.Kind)
		records = append(records, line(own("FailedRecords", "Sum"), fmt.Sprintf("%s: failed", s.Kind)),
			line(own("DeadLetters", "Sum"), fmt.Sprintf("%s: dead letters", s.Kind)))
	}
	of := ofFunction(p.ErrorHandler.Function)
	p.addGraph(gridColumns/3, functionPeriod, "failed records", "records", 0, records)
	p.addGraph(gridColumns/3, functionPeriod, "error objects", "objects", 0, []graphed{
		line(of("AsyncEventsReceived", "Sum"), "written"), line(of("AsyncEventsDropped", "Sum"), "given up"),
		line(of("DestinationDeliveryFailures", "Sum"), "lost failures")})
	age := of("AsyncEventAge", "Maximum")
	p.addGraph(gridColumns/3, functionPeriod, "error objects: waiting time", "ms", 0, []graphed{line(age, "longest")},
		p.alarmAt(age)...)
	p.paintFunction("error handler", of, ErrorHandlerTimeoutSeconds)
	queue := ofQueue(p.DeadLetters)
	oldest := queue("ApproximateAgeOfOldestMessage", "Maximum")
	p.addGraph(gridColumns/3, streamPeriod, "dead letters", "messages", 0, []graphed{
		line(queue("ApproximateNumberOfMessagesVisible", "Maximum"), "waiting"),
		line(queue("ApproximateNumberOfMessagesNotVisible", "Maximum"), "in flight")})
	p.addGraph(gridColumns, streamPeriod, "dead letters: age of the oldest, until SQS deletes it", "s", 0,
		[]graphed{line(oldest, "oldest")},
		append([]horizontal{{Label: fmt.Sprintf("deleted after %d days", DeadLetterRetentionDays),
			Value: DeadLetterRetentionDays * 24 * 60 * 60, Color: limitColor}}, p.alarmAt(oldest)...)...)
}

// groupLink is a link to a log group: in a fragment of the console, its name is percent-encoded twice, with $ for %.
func groupLink(name string) string {
	return "[" + name + "](#logsV2:log-groups/log-group/" + strings.ReplaceAll(name, "/", "$252F") + ")"
}

func (p *painter) paintLogs() {
	var deliveries, functions, others []string
	for _, s := range p.Streams {
		deliveries = append(deliveries, "/aws/kinesisfirehose/"+p.StackName+"-"+string(s.Kind))
		if s.Transform != nil {
			functions = append(functions, "/aws/lambda/"+p.StackName+"-transform-"+string(s.Kind))
		}
	}
	functions = append(functions, "/aws/lambda/"+p.StackName+"-error-handler")
	if p.Domain != nil {
		others = append(others, "/aws/lambda/"+p.StackName+"-search-setup", "/aws/opensearch/"+p.StackName+"-application",
			"/aws/opensearch/"+p.StackName+"-index-slow")
	}
	if p.NewVPC {
		others = append(others, "/aws/vpc/"+p.StackName+"-refused")
	}
	var links []string
	for _, groups := range [][]string{deliveries, functions, others} {
		for _, name := range groups {
			links = append(links, groupLink(name))
		}
	}
	p.addText(3, "## Logs", "Log groups: "+strings.Join(links, ", "), "",
		"Firehose logs a sample of its failures. All log "+
			"groups: `docs/use.md#logs-and-metrics`.")
	p.beginRow(graphHeight)
	p.addQuery(gridColumns/2, "Firehose: why deliveries failed",
		"fields @timestamp, errorCode, message, @log | filter ispresent(errorCode) | sort @timestamp desc | limit 20",
		deliveries...)
	p.addQuery(gridColumns/2, "Functions: warnings and errors",
		`fields @timestamp, level, msg, @log | filter level in ["WARN", "ERROR"] | sort @timestamp desc | limit 20`,
		functions...)
}
