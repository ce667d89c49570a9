package cost

import "fmt"

// The transform's own figures, of docs/performance.md: a warm invocation with 500 events takes 0.88 ms of CPU time, the
// runtime client included. Lambda gives a function a whole vCPU at 1,769 MB, and a share of it below:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
const (
	cpuNanoseconds = 1760 // for each event
	memoryOfVCPU   = 1769 // MB
	errorHandlerMS = 200  // an invocation of the error handler, which reads an object and sends messages: assumed
	maxPointers    = 1000 // dead letters of one error object; beyond, one message points to the object
)

// errorObjects returns how many error objects a stream writes in a month: one for each buffer interval with failures.
func (e *estimator) errorObjects(s *stream) (objects, failed Number, err error) {
	failed = e.w.eventsPerMonth().Times(e.w.FailedPerMillion).DividedBy(WholeNumber(1e6))
	errorsAt := any(s.destination)
	if configured := e.t.at(s.destination, "S3Configuration"); configured != nil {
		errorsAt = configured
	}
	b, err := e.bufferOf(s, errorsAt, buffer{WholeNumber(5).Times(bytesPerMB), WholeNumber(300)})
	if err != nil {
		return Number{}, Number{}, err
	}
	return secondsPerMonth.DividedBy(b.seconds.LargerOf(one)).SmallerOf(failed), failed, nil
}

func (e *estimator) addLambda() error {
	called := map[*resource]bool{}
	for _, s := range e.streams {
		if s.function == nil {
			continue
		}
		called[s.function] = true
		invocations := e.invocations(s)
		events := e.w.eventsPerMonth().DividedBy(invocations.quantity)
		memory, err := e.t.number(WholeNumber(128), s.function.Properties, "MemorySize")
		if err != nil {
			return fmt.Errorf("%s: %w", s.function.id, err)
		}
		ms := e.w.TransformMS
		if ms.Sign() == 0 {
			share := memory.DividedBy(WholeNumber(memoryOfVCPU)).SmallerOf(one)
			ms = events.Times(WholeNumber(cpuNanoseconds)).DividedBy(WholeNumber(1e6)).DividedBy(share).RoundedUp()
			e.assume("the transform takes 1.76 µs of CPU time an event (docs/performance.md), at the share of a vCPU that "+
				"its memory gives: %s ms for %s events of the %s; --transform-duration sets it", ms.Exact(), events.Text(0),
				s.name)
		}
		e.addInvocations("transform of the "+s.name, s.function, invocations, ms, memory)
	}
	for _, bucket := range e.t.of("AWS::S3::Bucket") {
		notified := e.t.find(e.t.at(bucket.Properties, "NotificationConfiguration"), "AWS::Lambda::Function")
		if notified == nil || called[notified] {
			continue
		}
		called[notified] = true
		if err := e.addErrorHandler(notified); err != nil {
			return err
		}
	}
	for _, f := range e.t.of("AWS::Lambda::Function") {
		if !called[f] {
			e.bill.Free = countResource(e.bill.Free, f.Type, "runs on deployment only: no stream and no bucket calls it")
		}
		if e.t.text(f.Properties, "TracingConfig", "Mode") == "Active" && called[f] {
			e.skip("AWS::XRay::Trace", "traces of "+f.id)
		}
		if storage, err := e.t.number(Number{}, f.Properties, "EphemeralStorage", "Size"); err == nil &&
			storage.CompareTo(WholeNumber(512)) > 0 {
			e.skip(f.Type, "ephemeral storage of "+f.id+" over 512 MB")
		}
	}
	return nil
}

// invocations counts those of a stream's transform.
func (e *estimator) invocations(s *stream) usage {
	n := e.w.countBatches(s.processor, s.recordsPerEvent, s.bytesPerEvent)
	return usage{n, fmt.Sprintf("%s × %s bytes in batches of %s MB or %s s", e.eventsHow(), s.bytesPerEvent.Text(2),
		s.processor.bytes.DividedBy(bytesPerMB).Exact(), s.processor.seconds.Exact())}
}

func (e *estimator) addInvocations(name string, f *resource, invocations usage, ms, memory Number) {
	architecture := "x86_64"
	if list := e.t.list(f.Properties, "Architectures"); len(list) > 0 && e.t.resolve(list[0]) == "arm64" {
		architecture = "arm64"
	}
	e.add("Lambda", name+": requests", "lambda.requests", invocations)
	gb := memory.DividedBy(WholeNumber(1024))
	e.add("Lambda", name+": duration, "+architecture, "lambda.duration."+architecture, usage{
		invocations.quantity.Times(ms).DividedBy(WholeNumber(1000)).Times(gb),
		fmt.Sprintf("%s invocations × %s ms × %s MB ÷ 1,024", invocations.quantity.Text(2), ms.Exact(), memory.Exact())})
}

func (e *estimator) addErrorHandler(f *resource) error {
	if e.w.FailedPerMillion.Sign() == 0 {
		e.bill.Free = countResource(e.bill.Free, f.Type, "the workload has no failed events: --failed-per-million")
		return nil
	}
	total := Number{}
	for _, s := range e.streams {
		objects, _, err := e.errorObjects(s)
		if err != nil {
			return err
		}
		total = total.Plus(objects)
	}
	memory, err := e.t.number(WholeNumber(128), f.Properties, "MemorySize")
	if err != nil {
		return fmt.Errorf("%s: %w", f.id, err)
	}
	e.assume("the error handler takes %d ms an error object", errorHandlerMS)
	e.addInvocations("error handler", f, usage{total, "one for each error object"}, WholeNumber(errorHandlerMS), memory)
	return nil
}

// addQueues adds the requests of dead letters: sent in batches of up to ten, then received and deleted by a replay.
func (e *estimator) addQueues() error {
	queues := e.t.of("AWS::SQS::Queue")
	if len(queues) == 0 {
		return nil
	}
	if e.w.FailedPerMillion.Sign() == 0 {
		e.bill.Free = countResource(e.bill.Free, queues[0].Type, "the workload has no failed events: --failed-per-million")
		return e.addTopics()
	}
	batches := Number{}
	for _, s := range e.streams {
		objects, failed, err := e.errorObjects(s)
		if err != nil {
			return err
		}
		if objects.Sign() > 0 {
			each := failed.DividedBy(objects).SmallerOf(WholeNumber(maxPointers)).DividedBy(WholeNumber(10)).RoundedUp()
			batches = batches.Plus(objects.Times(each))
		}
	}
	e.add("SQS", "dead letters: requests", "sqs.requests", usage{batches.Times(WholeNumber(3)),
		batches.Text(2) + " batches of up to 10 dead letters × 3 (send, receive, delete)"})
	return e.addTopics()
}

func (e *estimator) addTopics() error {
	topics := e.t.of("AWS::SNS::Topic")
	if len(topics) == 0 {
		return nil
	}
	e.bill.Free = countResource(e.bill.Free, topics[0].Type, "notifications are billed")
	byEmail := false
	for _, r := range append(topics, e.t.of("AWS::SNS::Subscription")...) {
		byEmail = byEmail || e.t.text(r.Properties, "Protocol") == "email"
		for _, subscription := range e.t.list(r.Properties, "Subscription") {
			byEmail = byEmail || e.t.text(subscription, "Protocol") == "email"
		}
	}
	if byEmail {
		e.assume("alarms send %s e-mails a month", e.w.AlarmEmails.Exact())
		e.add("SNS", "alarms: e-mails", "sns.email", usage{e.w.AlarmEmails, "assumed"})
	}
	return nil
}

func (e *estimator) addAPI() error {
	for _, api := range e.t.of("AWS::ApiGateway::RestApi") {
		requests := e.w.eventsPerMonth().DividedBy(e.w.EventsPerRequest)
		e.add("API Gateway", "requests", "apigateway.rest-requests",
			usage{requests, e.eventsHow() + " ÷ " + e.w.EventsPerRequest.Exact() + " events a request"})
		e.note("%s: all events come through the API; with others put directly, less is billed", api.id)
	}
	for _, stage := range e.t.of("AWS::ApiGateway::Stage") {
		why := "requests are billed"
		if e.t.isTrue(stage.Properties, "CacheClusterEnabled") {
			e.skip(stage.Type, "cache of "+stage.id)
			continue
		}
		e.bill.Free = countResource(e.bill.Free, stage.Type, why)
	}
	return nil
}

func (e *estimator) addAthena() error {
	e.add("Athena", "queries: data scanned", "athena.scanned", usage{e.w.AthenaTB, "--athena-tb"})
	if e.w.AthenaTB.Sign() == 0 {
		e.note("queries are not part of the bill: --athena-tb adds them")
	}
	return nil
}
