//go:build opensearch

package search

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"firehose-pipeline/event"
)

// From an empty cluster: Firehose is denied access until the setup has run. Then everything works, and nobody has
// more rights than needed.
func TestFirstDeploy(t *testing.T) {
	firehose := user(t, "firehose", writerARN)
	reader := user(t, "analyst", analyst)
	const bulk = `{"index":{"_index":"realtime-events-2026-09-21","_id":"1"}}` + "\n{}\n"

	t.Run("before the setup Firehose's bulk request gets 403", func(t *testing.T) {
		ask(t, firehose, 403, "POST", "/_bulk", bulk)
	})

	before := today()
	r := newLocal(t).events(t, storeEvents(t))
	if r.Streams.Search.Delivered != 500 || r.DeadLetter.Messages != 0 {
		t.Fatalf("delivered %+v", r)
	}
	t.Run("500 events are searchable", func(t *testing.T) {
		if got := count(t, reader, everything); got != 500 {
			t.Errorf("found %d", got)
		}
		if got := count(t, reader, `{"term":{"event_id":"store-000001"}}`); got != 1 {
			t.Errorf("found %d events of one id", got)
		}
		if got := count(t, reader, `{"range":{"amount":{"gt":100}}}`); got == 0 ||
			got != count(t, reader, `{"term":{"amount_category":"high"}}`) {
			t.Errorf("found %d events above 100, and other ones with that category", got)
		}
		if got := count(t, reader, `{"range":{"timestamp":{"gte":"2019-10-01","lt":"2019-12-01"}}}`); got != 500 {
			t.Errorf("found %d by timestamp", got)
		}
	})
	t.Run("a reader sees one daily index with one shard, green", func(t *testing.T) {
		list := indices(t, reader)
		if len(list) != 1 || list[0] != (index{list[0].Index, "green", "1", "0", "500"}) || list[0].Index != before &&
			list[0].Index != today() {
			t.Errorf("got %+v", list)
		}
		ask(t, reader, 403, "GET", "/_cat/indices", "") // without a pattern it would name everybody's indices
	})
	t.Run("the types are those of the schema", func(t *testing.T) {
		got := decode[map[string]struct {
			Mappings struct {
				Dynamic    string
				Properties map[string]any
			}
		}](t, ask(t, reader, 200, "GET", "/realtime-events-2*/_mapping", ""))
		for name, m := range got {
			for field, property := range event.IndexProperties() {
				if is, want := fmt.Sprint(m.Mappings.Properties[field]), fmt.Sprint(property); is != want {
					t.Errorf("%s: %s is %s, want %s", name, field, is, want)
				}
			}
			if m.Mappings.Dynamic != "false" || len(m.Mappings.Properties) != len(event.IndexProperties()) {
				t.Errorf("%s: dynamic is %q with %d fields", name, m.Mappings.Dynamic, len(m.Mappings.Properties))
			}
		}
	})

	ask(t, server.Master, 201, "PUT", "/salaries/_doc/1?refresh=true", `{"amount":1}`)
	ask(t, server.Master, 201, "PUT", "/realtime-events-summary/_doc/1?refresh=true", `{"amount":1}`)
	t.Run("the writer reads no other index and changes no security", func(t *testing.T) {
		for _, other := range []string{"salaries", "realtime-events-summary", ".opendistro_security"} {
			ask(t, firehose, 403, "GET", "/"+other+"/_search", "")
			ask(t, firehose, 403, "PUT", "/"+other+"/_doc/2", `{}`)
			ask(t, firehose, 403, "DELETE", "/"+other, "")
		}
		ask(t, firehose, 403, "PUT", "/elsewhere/_doc/1", `{}`)
		for _, target := range []string{"roles/mine", "rolesmapping/all_access", "internalusers/mine"} {
			ask(t, firehose, 403, "PUT", "/_plugins/_security/api/"+target, `{}`)
		}
		ask(t, firehose, 403, "GET", "/_plugins/_security/api/internalusers", "")
		ask(t, firehose, 403, "PUT", "/_cluster/settings", `{"transient":{"action.auto_create_index":"false"}}`)
		ask(t, firehose, 403, "PUT", "/_index_template/mine", `{"index_patterns":["x*"]}`)
		answer := ask(t, firehose, 200, "POST", "/_bulk", strings.ReplaceAll(bulk, "realtime-events-2026-09-21", "salaries"))
		if !strings.Contains(string(answer), `"status":403`) {
			t.Errorf("writing to another index: %s", answer)
		}
		// What Firehose asks of a domain, by AWS's own list (constructs/domainrequests.go), as far as the role answers it.
		for _, target := range []string{"/_cluster/stats", "/_nodes", "/_nodes/stats", "/realtime-events-2*/_mapping",
			"/realtime-events-2*/_stats"} {
			ask(t, firehose, 200, "GET", target, "")
		}
	})
	t.Run("a reader searches and writes nothing", func(t *testing.T) {
		ask(t, reader, 200, "POST", "/realtime-events-2*/_search", `{"aggs":{"brands":{"terms":{"field":"brand"}}}}`)
		ask(t, reader, 403, "PUT", "/"+today()+"/_doc/1", `{}`)
		ask(t, reader, 403, "DELETE", "/"+today()+"/_doc/1", "")
		ask(t, reader, 403, "POST", "/_bulk", bulk)
		ask(t, reader, 403, "DELETE", "/"+today(), "")
		ask(t, reader, 403, "PUT", "/"+today()+"/_mapping", `{"properties":{"x":{"type":"keyword"}}}`)
		for _, other := range []string{"salaries", "realtime-events-summary"} {
			ask(t, reader, 403, "GET", "/"+other+"/_search", "")
		}
		ask(t, reader, 403, "GET", "/_plugins/_security/api/roles", "")
	})
	t.Run("nobody else gets in", func(t *testing.T) {
		stranger := user(t, "stranger", "arn:aws:iam::111122223333:role/Stranger")
		ask(t, stranger, 403, "GET", "/realtime-events-2*/_search", "")
		ask(t, stranger, 403, "POST", "/_bulk", bulk)
	})
	t.Run("the audit log is active and holds no bodies", func(t *testing.T) {
		got := decode[struct {
			Config struct {
				Enabled bool
				Audit   map[string]any
			}
		}](t, ask(t, server.Master, 200, "GET", "/_plugins/_security/api/audit", ""))
		if !got.Config.Enabled || got.Config.Audit["log_request_body"] != false ||
			!reflect.DeepEqual(got.Config.Audit["disabled_rest_categories"], []any{"AUTHENTICATED", "GRANTED_PRIVILEGES"}) {
			t.Errorf("got %+v", got.Config)
		}
	})
}
