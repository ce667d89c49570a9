package cost

import (
	"fmt"
	"strings"
)

// kmsUse counts requests for data keys in a month.
type kmsUse struct {
	what     string
	requests Number
	how      string
}

// bucketKeyShare is the share of requests to S3 that still reach KMS with a bucket key: AWS says that it reduces them
// by up to 99 percent. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
var bucketKeyShare = one.DividedBy(WholeNumber(100))

// countDataKeys counts the data keys of the objects of one prefix.
func (e *estimator) countDataKeys(s stored) {
	if s.bucket == nil {
		return
	}
	for _, rule := range e.t.list(s.bucket.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration") {
		if !strings.HasPrefix(e.t.text(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm"), "aws:kms") {
			continue
		}
		requests, how := s.objects.quantity, s.objects.quantity.Text(2)+" objects"
		if e.t.isTrue(rule, "BucketKeyEnabled") {
			requests, how = requests.Times(bucketKeyShare), how+" × 1 %"
			e.assume("with a bucket key, 1 %% of the requests to S3 reach KMS")
		}
		e.kms = append(e.kms, kmsUse{s.prefix, requests, how})
	}
}

// addKMS adds keys, and requests for data keys.
func (e *estimator) addKMS() error {
	keys := WholeNumber(int64(len(e.t.of("AWS::KMS::Key"))))
	e.add("KMS", "keys", "kms.keys", usage{keys, keys.Exact() + " in the template"})
	for _, key := range e.t.of("AWS::KMS::Key") {
		if e.t.isTrue(key.Properties, "EnableKeyRotation") {
			e.note("%s: its first two rotations, one a year by default, each add a dollar a month", key.id)
		}
	}
	total := Number{}
	var how []string
	for _, use := range append(e.kms, e.queueKeys()...) {
		total = total.Plus(use.requests)
		how = append(how, use.requests.Text(2)+" for "+use.what+" ("+use.how+")")
	}
	e.add("KMS", "requests", "kms.requests", usage{total, strings.Join(how, " + ")})
	if len(e.t.of("AWS::KMS::Key")) > 0 {
		e.note("requests to KMS of CloudWatch Logs, OpenSearch, SNS and readers are not estimated: AWS publishes no figure")
	}
	return nil
}

func (e *estimator) addSecrets() error {
	secrets := WholeNumber(int64(len(e.t.of("AWS::SecretsManager::Secret"))))
	e.add("Secrets Manager", "secrets", "secretsmanager.secrets", usage{secrets, secrets.Exact() + " in the template"})
	if secrets.Sign() == 0 {
		return nil
	}
	readers := WholeNumber(0)
	for _, s := range e.streams {
		if s.function != nil && e.t.find(s.function.Properties, "AWS::SecretsManager::Secret") != nil {
			readers = readers.Plus(one)
		}
	}
	e.assume("each transform reads its secret once an hour, at a cold start")
	e.add("Secrets Manager", "requests", "secretsmanager.requests", usage{readers.Times(hoursPerMonth),
		"functions: " + readers.Exact() + " × 730"})
	return nil
}

// addNetwork adds the parts of a VPC that have a price.
func (e *estimator) addNetwork() error {
	zones := Number{}
	for _, r := range e.t.of("AWS::EC2::VPCEndpoint") {
		switch kind := e.t.text(r.Properties, "VpcEndpointType"); kind {
		case "", "Gateway":
			e.bill.Free = countResource(e.bill.Free, r.Type, "a gateway endpoint has no charge")
		case "Interface":
			zones = zones.Plus(WholeNumber(max(1, int64(len(e.t.list(r.Properties, "SubnetIds"))))))
		default:
			e.skip(r.Type, "endpoint of type "+kind)
		}
	}
	e.add("VPC", "interface endpoints: hours", "vpc.endpoint-hours", usage{zones.Times(hoursPerMonth),
		"zones of all endpoints: " + zones.Exact() + " × 730 h"})
	gateways := WholeNumber(int64(len(e.t.of("AWS::EC2::NatGateway"))))
	e.add("VPC", "NAT gateways: hours", "vpc.nat-hours", usage{gateways.Times(hoursPerMonth),
		"gateways: " + gateways.Exact() + " × 730 h"})
	addresses := WholeNumber(int64(len(e.t.of("AWS::EC2::EIP"))))
	e.add("VPC", "public IPv4 addresses: hours", "vpc.public-ipv4-hours", usage{addresses.Times(hoursPerMonth),
		"addresses: " + addresses.Exact() + " × 730 h"})
	if zones.Sign() > 0 || gateways.Sign() > 0 {
		e.note("data through endpoints and NAT gateways is not estimated")
	}
	if logs := len(e.t.of("AWS::EC2::FlowLog")); logs > 0 {
		e.note("log events of %d VPC flow logs are not estimated", logs)
	}
	return nil
}

// noteLimits compares the peak with Firehose's default quotas for direct puts.
// https://docs.aws.amazon.com/firehose/latest/dev/limits.html
func (e *estimator) noteLimits() {
	quota := WholeNumber(1)
	switch e.prices.Region {
	case "us-east-1", "us-west-2", "eu-west-1":
		quota = WholeNumber(5)
	}
	for _, s := range e.streams {
		peak := e.w.EventsPerSecond.Times(e.w.Peak).Times(s.bytesPerEvent).DividedBy(bytesPerMB)
		if !s.fromKinesis && !s.vendored && peak.CompareTo(quota) > 0 {
			e.note("%s: the peak is %s MiB/s; the default quota of %s is %s, an increase is free", s.name, peak.Text(2),
				e.prices.Region, quota.Exact())
		}
	}
}

// queueKeys counts the data keys of the dead-letter queue.
func (e *estimator) queueKeys() []kmsUse {
	queues := e.t.of("AWS::SQS::Queue")
	if e.w.FailedPerMillion.Sign() == 0 || len(queues) == 0 || e.t.at(queues[0].Properties, "KmsMasterKeyId") == nil {
		return nil
	}
	reuse, err := e.t.number(WholeNumber(300), queues[0].Properties, "KmsDataKeyReusePeriodSeconds")
	if err != nil {
		reuse = WholeNumber(300)
	}
	reuse = reuse.LargerOf(one)
	return []kmsUse{{"the dead-letter queue", secondsPerMonth.DividedBy(reuse),
		fmt.Sprintf("%s s ÷ %s s", secondsPerMonth.Exact(), reuse.Exact())}}
}
