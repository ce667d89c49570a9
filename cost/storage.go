package cost

import (
	"fmt"
	"slices"
	"strings"
)

// stored describes the objects that a stream writes below one prefix.
type stored struct {
	prefix        string
	bucket        *resource // nil when it is not in the template
	objects       usage     // a month
	bytesPerEvent Number    // in the bucket
	how           string    // how these come about
}

// addS3 adds requests and storage of all objects.
func (e *estimator) addS3() error {
	for _, s := range e.streams {
		if s.destination == nil {
			continue
		}
		written, err := e.listStored(s)
		if err != nil {
			return err
		}
		for _, part := range written {
			e.add("S3", part.prefix+": PUT requests", "s3.put", part.objects)
			e.countDataKeys(part)
			if err := e.addStorage(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// listStored lists the objects of a stream: its data, copies of its source, and errors.
func (e *estimator) listStored(s *stream) ([]stored, error) {
	var list []stored
	defaults := buffer{WholeNumber(5).Times(bytesPerMB), WholeNumber(300)}
	if s.isLake {
		data, err := e.describeData(s, defaults)
		if err != nil {
			return nil, err
		}
		list = append(list, data)
	}
	backup, name := e.t.at(s.destination, "S3BackupConfiguration"), "S3BackupMode"
	copies := e.t.text(s.destination, name) == "Enabled"
	if !s.isLake {
		backup = e.t.at(s.destination, "S3Configuration")
		copies = e.t.text(s.destination, name) == "AllDocuments"
	}
	if copies && backup != nil {
		b, err := e.bufferOf(s, backup, defaults)
		if err != nil {
			return nil, err
		}
		bytes, how := e.compressed(backup, s.bytesPerEvent, s.bytesPerEvent.Text(2)+" bytes")
		list = append(list, stored{e.prefixOf(backup, "Prefix"), e.bucketOf(backup), e.countObjects(s, b, s.bytesPerEvent),
			bytes, how})
	}
	if e.w.FailedPerMillion.Sign() > 0 {
		errorsAt := any(s.destination)
		if !s.isLake {
			errorsAt = backup
		}
		objects, _, err := e.errorObjects(s)
		if err != nil {
			return nil, err
		}
		// base64 of the record and some 400 bytes around it
		bytes := s.bytesPerEvent.Times(WholeNumber(4)).DividedBy(WholeNumber(3)).Plus(WholeNumber(400)).
			Times(e.w.FailedPerMillion).DividedBy(WholeNumber(1e6))
		list = append(list, stored{e.prefixOf(errorsAt, "ErrorOutputPrefix"), e.bucketOf(errorsAt),
			usage{objects, "one for each buffer interval with failures"}, bytes,
			e.w.FailedPerMillion.Exact() + " of a million records as base64, with 400 bytes around each"})
	}
	return list, nil
}

// describeData describes the delivered data of a lake stream.
func (e *estimator) describeData(s *stream, defaults buffer) (stored, error) {
	added := e.w.AddedBytes
	if s.function == nil {
		added = Number{}
	}
	text := s.bytesPerEvent.Plus(added)
	event := e.w.Sizes.perEvent(e.w.Sizes.Bytes)
	var bytes Number
	var how string
	if e.t.isTrue(s.destination, "DataFormatConversionConfiguration", "Enabled") {
		defaults = buffer{WholeNumber(128).Times(bytesPerMB), WholeNumber(300)}
		bytes = event.Times(e.w.ParquetShare)
		how = event.Text(2) + " bytes × " + e.w.ParquetShare.Exact() + " (Parquet or ORC)"
		e.assume("Parquet or ORC has %s bytes for each byte of an event, --parquet-share", e.w.ParquetShare.Exact())
	} else {
		bytes, how = e.compressed(s.destination, text, text.Text(2)+" bytes")
	}
	if added.Sign() > 0 {
		e.assume("the transform adds %s bytes to an event, --added-bytes", added.Exact())
	}
	b, err := e.bufferOf(s, s.destination, defaults)
	if err != nil {
		return stored{}, err
	}
	return stored{e.prefixOf(s.destination, "Prefix"), e.bucketOf(s.destination), e.countObjects(s, b, text), bytes,
		how}, nil
}

func (e *estimator) compressed(destination any, bytes Number, how string) (Number, string) {
	format := e.t.text(destination, "CompressionFormat")
	if format == "" || format == "UNCOMPRESSED" {
		return bytes, how
	}
	e.assume("compressed text has %s bytes for each byte, --gzip-share", e.w.GzipShare.Exact())
	return bytes.Times(e.w.GzipShare), how + " × " + e.w.GzipShare.Exact() + " (" + format + ")"
}

func (e *estimator) countObjects(s *stream, b buffer, bytesPerEvent Number) usage {
	return usage{e.w.countBatches(b, s.recordsPerEvent, bytesPerEvent),
		fmt.Sprintf("%s × %s bytes in objects of %s MB or %s s", e.eventsHow(), bytesPerEvent.Text(2),
			b.bytes.DividedBy(bytesPerMB).Exact(), b.seconds.Exact())}
}

// prefixOf is the fixed beginning of a prefix, up to its last slash.
func (e *estimator) prefixOf(destination any, property string) string {
	prefix, _, _ := strings.Cut(e.t.text(destination, property), "!{")
	return prefix[:strings.LastIndexByte(prefix, '/')+1]
}

func (e *estimator) bucketOf(destination any) *resource {
	return e.t.find(e.t.at(destination, "BucketARN"), "AWS::S3::Bucket")
}

// storageClass is a storage class and the ids of its prices.
type storageClass struct{ name, storage, transition string }

var storageClasses = map[string]storageClass{
	"STANDARD":    {"Standard", "s3.standard", ""},
	"STANDARD_IA": {"Standard-IA", "s3.standard-ia", "s3.transition.standard-ia"},
	"GLACIER_IR":  {"Glacier Instant Retrieval", "s3.glacier-ir", "s3.transition.glacier-ir"},
}

// smallObject is the size below which a lifecycle rule does not move an object, unless it says otherwise, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
const smallObject = 128 << 10

// addStorage adds the data of one prefix in the storage classes through which the bucket's lifecycle moves it. In a
// month everything that is stored is as old as any day up to the retention.
func (e *estimator) addStorage(s stored) error {
	life, err := e.readLifecycle(s)
	if err != nil {
		return err
	}
	daily := e.w.EventsPerSecond.Times(secondsPerDay).Times(s.bytesPerEvent).DividedBy(bytesPerGB)
	size := e.w.eventsPerMonth().Times(s.bytesPerEvent).DividedBy(s.objects.quantity)
	steps := life.steps
	if size.CompareTo(WholeNumber(smallObject)) < 0 && len(steps) > 1 {
		steps = steps[:1]
		e.note("%s: objects have about %s bytes; below 128 KB they stay in Standard", s.prefix, size.Text(0))
	}
	last := e.w.RetentionDays
	if life.expires.Sign() > 0 {
		last = last.SmallerOf(life.expires)
	}
	for i, step := range steps {
		upTo := last
		if i+1 < len(steps) {
			upTo = upTo.SmallerOf(steps[i+1].day)
		}
		days := upTo.Minus(step.day)
		class, known := storageClasses[step.class]
		if days.Sign() <= 0 {
			continue
		}
		if !known {
			e.skip("AWS::S3::Bucket", s.prefix+" in storage class "+step.class)
			continue
		}
		how := fmt.Sprintf("%s events/s × 86,400 s × %s bytes (%s) ÷ 2^30 × %s days", e.w.EventsPerSecond.Exact(),
			s.bytesPerEvent.Text(4), s.how, days.Exact())
		if i+1 == len(steps) && life.expires.Sign() > 0 && e.w.RetentionDays.CompareTo(life.expires) >= 0 &&
			life.noncurrent.Sign() > 0 {
			days = days.Plus(life.noncurrent)
			how += fmt.Sprintf(", and %s days as noncurrent versions", life.noncurrent.Exact())
		}
		e.add("S3", s.prefix+": storage, "+class.name, class.storage, usage{daily.Times(days), how})
		if class.transition != "" {
			e.add("S3", s.prefix+": transitions to "+class.name, class.transition,
				usage{s.objects.quantity, "every object of a month, once"})
		}
	}
	return nil
}

// lifecycle is when a bucket's rules move and delete the objects of a prefix.
type lifecycle struct {
	steps               []lifecycleStep // the first is Standard from day 0
	expires, noncurrent Number          // in days; 0 for never
}

type lifecycleStep struct {
	day   Number
	class string
}

func (e *estimator) readLifecycle(s stored) (lifecycle, error) {
	life := lifecycle{steps: []lifecycleStep{{Number{}, "STANDARD"}}}
	if s.bucket == nil {
		e.note("%s: the bucket is not in the template; all is counted as Standard", s.prefix)
		return life, nil
	}
	for _, rule := range e.t.list(s.bucket.Properties, "LifecycleConfiguration", "Rules") {
		if e.t.text(rule, "Status") != "Enabled" || e.t.at(rule, "TagFilters") != nil ||
			!strings.HasPrefix(s.prefix, e.t.text(rule, "Prefix")) {
			continue
		}
		var err error
		if life.expires, err = e.t.number(life.expires, rule, "ExpirationInDays"); err != nil {
			return life, fmt.Errorf("%s: %w", s.bucket.id, err)
		}
		life.noncurrent, err = e.t.number(life.noncurrent, rule, "NoncurrentVersionExpiration", "NoncurrentDays")
		if err != nil {
			return life, fmt.Errorf("%s: %w", s.bucket.id, err)
		}
		for _, transition := range e.t.list(rule, "Transitions") {
			day, err := e.t.number(Number{}, transition, "TransitionInDays")
			if err != nil {
				return life, fmt.Errorf("%s: %w", s.bucket.id, err)
			}
			life.steps = append(life.steps, lifecycleStep{day, e.t.text(transition, "StorageClass")})
		}
	}
	sortSteps(life.steps)
	return life, nil
}

// sortSteps orders steps by their days; of one day the later in the template counts.
func sortSteps(steps []lifecycleStep) {
	slices.SortStableFunc(steps, func(a, b lifecycleStep) int { return a.day.CompareTo(b.day) })
}
