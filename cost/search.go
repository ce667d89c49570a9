package cost

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A gp3 volume of OpenSearch Service includes 3,000 IOPS, or 3 for each GiB, and 125 MiB/s up to 170 GiB, 250 for
// each started 3 TiB above.
// https://aws.amazon.com/blogs/big-data/lower-your-amazon-opensearch-service-storage-cost-with-gp3-amazon-ebs-volumes/
const (
	baseIOPS       = 3000
	iopsPerGiB     = 3
	baseMiB        = 125
	baseMiBUpTo    = 170  // GiB
	throughputStep = 3072 // GiB
	throughputMiB  = 250
)

// addSearch adds the domains: nodes by their hours, and volumes.
func (e *estimator) addSearch() error {
	for _, r := range e.t.of(domainType) {
		cluster := e.t.at(r.Properties, "ClusterConfig")
		count, err := e.t.number(one, cluster, "InstanceCount")
		if err != nil {
			return fmt.Errorf("%s: %w", r.id, err)
		}
		kind := e.t.text(cluster, "InstanceType")
		if kind == "" {
			kind = "m4.large.search" // CloudFormation's default
		}
		e.addNodes("data nodes", kind, count)
		if e.t.isTrue(cluster, "DedicatedMasterEnabled") {
			masters, err := e.t.number(WholeNumber(3), cluster, "DedicatedMasterCount")
			if err != nil {
				return fmt.Errorf("%s: %w", r.id, err)
			}
			e.addNodes("dedicated masters", e.t.text(cluster, "DedicatedMasterType"), masters)
		}
		if e.t.isTrue(cluster, "WarmEnabled") {
			warm, err := e.t.number(Number{}, cluster, "WarmCount")
			if err != nil {
				return fmt.Errorf("%s: %w", r.id, err)
			}
			e.addNodes("warm nodes", e.t.text(cluster, "WarmType"), warm)
			e.skip(domainType, "managed storage of warm nodes")
		}
		if err := e.addVolumes(r, count); err != nil {
			return err
		}
		if err := e.noteDomainSize(r, count); err != nil {
			return err
		}
	}
	return nil
}

func (e *estimator) addNodes(name, kind string, count Number) {
	e.addVariant("OpenSearch", name+", "+kind, "opensearch.instance", kind,
		usage{hoursPerMonth.Times(count), "nodes: " + count.Exact() + " × 730 h"})
}

func (e *estimator) addVolumes(r *resource, count Number) error {
	options := e.t.at(r.Properties, "EBSOptions")
	if !e.t.isTrue(options, "EBSEnabled") {
		return nil
	}
	var values [3]Number
	for i, property := range []string{"VolumeSize", "Iops", "Throughput"} {
		otherwise := Number{}
		if property == "VolumeSize" {
			otherwise = WholeNumber(10)
		}
		var err error
		if values[i], err = e.t.number(otherwise, options, property); err != nil {
			return fmt.Errorf("%s: %w", r.id, err)
		}
	}
	size, iops, throughput := values[0], values[1], values[2]
	kind := e.t.text(options, "VolumeType")
	total := usage{size.Times(count), fmt.Sprintf("nodes: %s × %s GiB", count.Exact(), size.Exact())}
	switch kind {
	case "gp2":
		e.add("OpenSearch", "volumes, gp2", "opensearch.gp2", total)
		return nil
	case "gp3":
		e.add("OpenSearch", "volumes, gp3", "opensearch.gp3", total)
	default:
		e.skip(domainType, "volumes of type "+kind)
		return nil
	}
	includedIOPS := size.Times(WholeNumber(iopsPerGiB)).LargerOf(WholeNumber(baseIOPS))
	includedMiB := WholeNumber(baseMiB)
	if size.CompareTo(WholeNumber(baseMiBUpTo)) > 0 {
		includedMiB = size.DividedBy(WholeNumber(throughputStep)).RoundedUp().Times(WholeNumber(throughputMiB))
	}
	for _, extra := range []struct {
		item, id        string
		asked, included Number
	}{
		{"volumes, gp3: IOPS above those included", "opensearch.gp3-iops", iops, includedIOPS},
		{"volumes, gp3: throughput above that included", "opensearch.gp3-throughput", throughput, includedMiB},
	} {
		above := extra.asked.Minus(extra.included)
		e.add("OpenSearch", extra.item, extra.id, usage{above.Times(count),
			fmt.Sprintf("nodes: %s × (%s − %s included)", count.Exact(), extra.asked.Exact(), extra.included.Exact())})
	}
	return nil
}

var (
	retentionDays = regexp.MustCompile(`"retentionDays":(\d{1,5})[,}]`)
	replicaCount  = regexp.MustCompile(`"replicas":(\d{1,3})[,}]`)
)

// noteDomainSize compares the size of the volumes with the documents in the retention of the indices, which the state
// of the search setup has. The factor 1.45 is AWS's, for the space that OpenSearch and the operating system reserve:
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/bp-storage.html
func (e *estimator) noteDomainSize(r *resource, count Number) error {
	setups := e.t.of("Custom::SearchSetup")
	if len(setups) != 1 {
		return nil
	}
	state := e.literalText(e.t.at(setups[0].Properties, "State"))
	days, replicas := retentionDays.FindStringSubmatch(state), replicaCount.FindStringSubmatch(state)
	if days == nil || replicas == nil {
		return nil
	}
	kept, err := ParseNumber(days[1])
	copies, other := ParseNumber(replicas[1])
	if err = errors.Join(err, other); err != nil {
		return fmt.Errorf("%s: State: %w", setups[0].id, err)
	}
	size, err := e.t.number(WholeNumber(10), r.Properties, "EBSOptions", "VolumeSize")
	if err != nil {
		return fmt.Errorf("%s: %w", r.id, err)
	}
	perEvent := e.w.Sizes.perEvent(e.w.Sizes.Bytes).Plus(e.w.AddedBytes)
	needed := e.w.EventsPerSecond.Times(secondsPerDay).Times(kept).Times(perEvent).Times(copies.Plus(one)).
		Times(WholeNumber(145)).DividedBy(WholeNumber(100)).DividedBy(bytesPerGB)
	if has := size.Times(count); needed.CompareTo(has) > 0 {
		e.note("the domain is too small for this workload: %s days of events need about %s GiB (1.45 × documents, %s "+
			"replicas), its volumes have %s. The bill is that of the domain in the template", kept.Exact(), needed.Text(0),
			copies.Exact(), has.Exact())
	}
	return nil
}

// literalText is a string, or the known parts of one that Fn::Join puts together on deployment.
func (e *estimator) literalText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	var text strings.Builder
	for _, part := range e.t.list(value, "Fn::Join") {
		elements, _ := part.([]any)
		for _, element := range elements {
			literal, _ := element.(string)
			text.WriteString(literal)
		}
	}
	return text.String()
}
