package dashboard

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

const graph = `{"type":"metric","x":0,"y":0,"width":8,"height":6,"properties":{"title":"a < b & \"c\"","period":300,
	"yAxis":{"left":{"label":"x"}},"annotations":{"horizontal":[{"label":"limit","value":9,"color":"#ff7f0e"}]},
	"metrics":[[{"expression":"n / PERIOD(n)","id":"r","label":"rate"}],
	["AWS/Firehose","IncomingRecords","DeliveryStreamName","s",{"id":"n","visible":false,"stat":"Sum"}]]}}`

func TestRender(t *testing.T) {
	image, err := Render([]byte(`{"widgets":[` + graph + `,{"type":"text","x":0,"y":6,"width":24,"height":2,
		"properties":{"markdown":"## Head\nSee [a group](#logs) and ` + "`code`" + `."}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(string(image)))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("must be XML: %v", err)
		}
	}
	for _, part := range []string{"a &lt; b &amp;", ">limit 9<", ">rate<", ">Head<", ">See a group and code.<"} {
		if !strings.Contains(string(image), part) {
			t.Errorf("must have %s", part)
		}
	}
	if n := strings.Count(string(image), "<polyline"); n != 1 {
		t.Errorf("must draw the one visible series (got %d)", n)
	}
}

// What the drawing does not know is an error, never left out.
func TestRenderRejects(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"IncomingRecords", "Unknown"}:           "metric Unknown: has no sample",
		{"n / PERIOD(n)", "n * 2"}:               "expression n * 2: is not known",
		{`"type":"metric"`, `"type":"explorer"`}: "type explorer: is not known",
		{`"x":0`, `"x":"0"`}:                     "reading the dashboard's body",
	} {
		_, err := Render([]byte(`{"widgets":[` + strings.Replace(graph, change[0], change[1], 1) + `]}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", change[1], err)
		}
	}
}

func TestEvaluate(t *testing.T) {
	series := map[string][]float64{"n": {0, 300, 600}}
	if got, err := evaluate("n / PERIOD(n)", series, 300); err != nil || !slices.Equal(got, []float64{0, 1, 2}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := evaluate("DIFF(n)", series, 300); err != nil || !slices.Equal(got, []float64{0, 300, 300}) {
		t.Errorf("got %v, %v", got, err)
	}
}
