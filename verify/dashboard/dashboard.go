package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// The size of a grid unit, and the space around widgets, in pixels.
const (
	unitWidth  = 44
	unitHeight = 30
	gap        = 4
)

// colors are those of CloudWatch's graphs, in their order.
var colors = []string{"#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf"}

type body struct{ Widgets []widget }

type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Markdown, Title, Query string
		Alarms                 []string
		Period                 float64
		Metrics                [][]any
		Annotations            struct {
			Horizontal []struct {
				Label, Color string
				Value        float64
			}
		}
		YAxis struct {
			Left  struct{ Label string }
			Right *struct{ Max *float64 }
		}
	}
}

// drawing writes an SVG image.
type drawing struct{ bytes.Buffer }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// text writes text of one line. Class is small, title or head.
func (d *drawing) text(x, y float64, class, anchor, text string) {
	d.add(`<text x="%.0f" y="%.0f" class="%s" text-anchor="%s">%s</text>`, x, y, class, anchor, html.EscapeString(text))
}

// Render returns an SVG image of a dashboard with sample series. An unknown metric, expression or type of widget is an
// error.
func Render(text []byte) ([]byte, error) {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("reading the dashboard's body: %w", err)
	}
	rows := 0
	for _, w := range b.Widgets {
		rows = max(rows, w.Y+w.Height)
	}
	d := &drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif">`, 24*unitWidth,
		rows*unitHeight)
	d.add(`<style>.small{font-size:9px;fill:#545b64}.title{font-size:11px;font-weight:bold;fill:#16191f}` +
		`.head{font-size:15px;font-weight:bold;fill:#16191f}.box{fill:#fff;stroke:#d5dbdb}` +
		`polyline{fill:none;stroke-width:1.2}</style>`)
	d.add(`<rect width="100%%" height="100%%" fill="#f2f3f3"/>`)
	for i := range b.Widgets {
		if err := d.drawWidget(&b.Widgets[i]); err != nil {
			return nil, fmt.Errorf("widget %d: %w", i, err)
		}
	}
	d.add("</svg>")
	return d.Bytes(), nil
}

// frame is the inside of a widget, in pixels.
type frame struct{ x, y, width, height float64 }

func (d *drawing) drawWidget(w *widget) error {
	f := frame{float64(w.X*unitWidth + gap), float64(w.Y*unitHeight + gap), float64(w.Width*unitWidth - 2*gap),
		float64(w.Height*unitHeight - 2*gap)}
	d.add(`<rect class="box" x="%.0f" y="%.0f" width="%.0f" height="%.0f"/>`, f.x, f.y, f.width, f.height)
	switch w.Type {
	case "text":
		d.drawMarkdown(f, w.Properties.Markdown)
	case "alarm":
		d.drawAlarms(f, w.Properties.Title, w.Properties.Alarms)
	case "log":
		d.text(f.x+8, f.y+16, "title", "start", w.Properties.Title)
		_, query, _ := strings.Cut(w.Properties.Query, "| fields ")
		d.text(f.x+8, f.y+34, "small", "start", "fields "+query)
		for row := range 4 {
			d.add(`<path stroke="#eaeded" d="M%.0f %.0fh%.0f"/>`, f.x+8, f.y+44+float64(row)*24, f.width-16)
		}
	case "metric":
		return d.drawGraph(f, w)
	default:
		return fmt.Errorf("type %s: is not known to the drawing", w.Type)
	}
	return nil
}

// drawMarkdown writes a heading, and the first lines of the text below it, without the marks of links and code.
func (d *drawing) drawMarkdown(f frame, markdown string) {
	y := f.y + 18
	heading, rest, _ := strings.Cut(markdown, "\n")
	d.text(f.x+8, y, "head", "start", strings.TrimLeft(heading, "# "))
	rest = plainText(rest)
	const characters = 190
	for y += 15; rest != "" && y < f.y+f.height; y += 12 {
		part := rest
		if len(part) > characters {
			part = part[:strings.LastIndex(part[:characters], " ")]
		}
		d.text(f.x+8, y, "small", "start", part)
		rest = strings.TrimSpace(rest[len(part):])
	}
}

// plainText removes code marks, line ends and the addresses of links.
func plainText(markdown string) string {
	var b strings.Builder
	for markdown != "" {
		before, after, found := strings.Cut(markdown, "](")
		b.WriteString(before)
		if !found {
			break
		}
		_, markdown, _ = strings.Cut(after, ")")
	}
	return strings.Join(strings.Fields(strings.NewReplacer("`", "", "[", "").Replace(b.String())), " ")
}

func (d *drawing) drawAlarms(f frame, title string, arns []string) {
	d.text(f.x+8, f.y+16, "title", "start", title)
	const width, height = 205.0, 18.0
	columns := int((f.width - 16) / width)
	rows := int((f.height - 24) / height)
	prefix := ""
	for i, arn := range arns {
		name := arn[strings.LastIndexByte(arn, ':')+1:]
		if i == 0 {
			prefix = name[:max(0, strings.Index(name, "lake-"))]
		}
		if i >= columns*rows {
			break
		}
		x, y := f.x+8+float64(i%columns)*width, f.y+24+float64(i/columns)*height
		color := "#1d8102"
		if strings.HasSuffix(name, "-dead-letters") {
			color = "#d13212"
		}
		d.add(`<rect x="%.0f" y="%.0f" width="%.0f" height="%.0f" fill="%s"/>`, x, y, 7.0, height-4, color)
		d.text(x+11, y+11, "small", "start", strings.TrimPrefix(name, prefix))
	}
}
