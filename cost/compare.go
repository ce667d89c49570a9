package cost

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Variant is the bill of a changed stack or workload.
type Variant struct {
	Name string `json:"name"`
	USD  Number `json:"usd"`
	// Saves is how much more the stack costs as it is; below 0 when the variant costs more.
	Saves Number `json:"saves"`
	// Excluded is how many lines have no price.
	Excluded int `json:"excluded"`
	// Setting is the change.
	Setting string `json:"setting"`
}

// change makes a variant: it may change the copy of the template, and the workload.
type change struct {
	name, setting string
	apply         func(t *Template, w *Workload)
}

// Compare calculates the bill of each variant that makes sense for the stack. The template's resources are changed in
// memory: nothing is synthesised. instanceTypes are tried for the domain's data nodes.
func Compare(t *Template, w Workload, p *Prices, instanceTypes []string) ([]Variant, error) {
	base, err := Estimate(t, w, p)
	if err != nil {
		return nil, err
	}
	variants := []Variant{{"as it is", base.USD, Number{}, base.Excluded(), ""}}
	for _, c := range listChanges(t, w, instanceTypes) {
		changed, workload := t.clone(), w
		c.apply(changed, &workload)
		bill, err := Estimate(changed, workload, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		variants = append(variants, Variant{c.name, bill.USD, base.USD.Minus(bill.USD), bill.Excluded(), c.setting})
	}
	return variants, nil
}

func listChanges(t *Template, w Workload, instanceTypes []string) []change {
	var list []change
	pack := change{"packed", "send --pack", func(_ *Template, w *Workload) { w.Pack = true }}
	withoutSearch := change{"without search", "enableOpenSearch=false", func(t *Template, _ *Workload) { t.removeSearch() }}
	direct, search := false, len(t.of(domainType)) > 0
	for _, r := range t.of(streamType) {
		lake := t.at(r.Properties, "ExtendedS3DestinationConfiguration") != nil
		direct = direct || lake && t.at(r.Properties, "KinesisStreamSourceConfiguration") == nil
	}
	switch {
	case direct && !w.Pack:
		list = append(list, pack)
	case direct:
		list = append(list, change{"not packed", "send without --pack", func(_ *Template, w *Workload) { w.Pack = false }})
	}
	if search {
		list = append(list, withoutSearch)
		if direct && !w.Pack {
			list = append(list, change{"packed, without search", "send --pack, enableOpenSearch=false",
				func(t *Template, w *Workload) { w.Pack = true; t.removeSearch() }})
		}
	}
	list = append(list, listIngestion(direct, w)...)
	list = append(list,
		change{"without copies of the source", "enableSourceBackup=false", func(t *Template, _ *Workload) {
			t.eachDestination(func(d map[string]any) { delete(d, "S3BackupMode") })
		}},
		change{"lake buffers of 128 MB and 900 s", "bufferSizeMB=128, bufferIntervalSeconds=900",
			func(t *Template, _ *Workload) { t.eachDestination(widenBuffers) }})
	for _, kind := range instanceTypes {
		if search && !t.hasNodes(kind) {
			list = append(list, change{"data nodes " + kind, "openSearchInstanceType=" + kind,
				func(t *Template, _ *Workload) {
					for _, r := range t.of(domainType) {
						t.set(r.Properties, kind, "ClusterConfig", "InstanceType")
					}
				}})
		}
	}
	return list
}

// listIngestion lists the other ways by which events come in.
func listIngestion(direct bool, w Workload) []change {
	const setting = "ingestion=kinesis"
	advantage := func(w *Workload) { w.Advantage = true }
	if direct {
		return []change{
			{"one data stream, on demand", setting, func(t *Template, w *Workload) { w.Pack = false; t.addDataStream() }},
			{"one data stream, On-demand Advantage", setting + ", a setting of the account",
				func(t *Template, w *Workload) { w.Pack = false; advantage(w); t.addDataStream() }},
		}
	}
	list := []change{{"put directly to each stream", "ingestion=direct", func(t *Template, w *Workload) {
		w.Advantage = false
		t.removeDataStreams()
	}}, {"put directly, packed", "ingestion=direct, send --pack", func(t *Template, w *Workload) {
		w.Advantage, w.Pack = false, true
		t.removeDataStreams()
	}}}
	if !w.Advantage {
		list = append(list, change{"On-demand Advantage", "a setting of the account",
			func(_ *Template, w *Workload) { advantage(w) }})
	}
	return list
}

func widenBuffers(destination map[string]any) {
	hints := map[string]any{"SizeInMBs": json.Number("128"), "IntervalInSeconds": json.Number("900")}
	destination["BufferingHints"] = hints
	if backup, ok := destination["S3BackupConfiguration"].(map[string]any); ok {
		backup["BufferingHints"] = hints
	}
}

// clone returns a copy whose properties can be changed.
func (t *Template) clone() *Template {
	copied := &Template{map[string]*resource{}, t.defaults}
	for id, r := range t.resources {
		properties, _ := copyValue(r.Properties).(map[string]any)
		copied.resources[id] = &resource{r.id, r.Type, r.Condition, properties}
	}
	return copied
}

func copyValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, member := range value {
			copied[name] = copyValue(member)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, element := range value {
			copied[i] = copyValue(element)
		}
		return copied
	}
	return value
}

// eachDestination calls back with the destination of every lake stream.
func (t *Template) eachDestination(change func(map[string]any)) {
	for _, r := range t.of(streamType) {
		if destination, ok := t.at(r.Properties, "ExtendedS3DestinationConfiguration").(map[string]any); ok {
			change(destination)
		}
	}
}

// set sets a value below objects that exist.
func (t *Template) set(in map[string]any, value any, path ...string) {
	for _, name := range path[:len(path)-1] {
		below, ok := in[name].(map[string]any)
		if !ok {
			return
		}
		in = below
	}
	in[path[len(path)-1]] = value
}

func (t *Template) hasNodes(kind string) bool {
	return slices.ContainsFunc(t.of(domainType), func(r *resource) bool {
		return t.text(r.Properties, "ClusterConfig", "InstanceType") == kind
	})
}

// DefaultInstanceTypes are those that [Compare] tries for the data nodes of a domain: the smallest, and a large node of
// each current family.
var DefaultInstanceTypes = strings.Fields("t3.small.search m7g.large.search r7g.large.search")
