package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"firehose-pipeline/cost"
	"firehose-pipeline/internal/plural"
	"firehose-pipeline/internal/printable"
)

// costReport is the output of the command.
type costReport struct {
	*cost.Bill
	Variants []cost.Variant `json:"variants,omitempty"`
	File     string         `json:"priceFile,omitempty"` // empty for the prices of the command
}

func (l *costCommand) writeReport(r costReport) error {
	var text string
	if l.format.value == "json" {
		encoded, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encoding the report: %w", err)
		}
		text = printable.Lines(string(encoded)) + "\n"
	} else {
		text = costText(r, l.explain)
	}
	if _, err := l.stdout.Write([]byte(text)); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// confidenceMarks stand behind amounts; the help explains them.
var confidenceMarks = map[cost.Confidence]string{cost.Dated: "~", cost.Secondhand: "?", cost.Unknown: "!"}

func costText(r costReport, explain bool) string {
	w := &strings.Builder{}
	from := "the command's own list of " + r.PriceDate
	if r.File != "" {
		from = printable.Text(r.File) + " of " + r.PriceDate
	}
	fmt.Fprintf(w, "a month of 730 hours in %s, in USD; prices: %s\n\n", printable.Text(r.Region), from)
	writeBillLines(w, r, explain)
	fmt.Fprint(w, "\n~ price older than a year   ? price quoted by others   ! no price, not part of the total\n")
	if len(r.Variants) > 0 {
		writeVariants(w, r.Variants)
	}
	writeResources(w, "not priced", r.NotPriced)
	if explain {
		writeResources(w, "without a charge of their own", r.Free)
	}
	writeList(w, "notes", r.Notes)
	writeList(w, "assumptions", r.Assumptions)
	if !explain {
		fmt.Fprint(w, "\n--explain shows how each line is calculated\n")
	}
	return w.String()
}

// amountText is the amount of a line, and its mark.
func amountText(line cost.Line) string {
	amount, mark := "unknown", confidenceMarks[line.Confidence]
	if line.USD != nil {
		amount = line.USD.Cents()
	}
	if mark == "" {
		mark = " "
	}
	return amount + " " + mark
}

// writeBillLines writes the lines by service. The amounts of lines and the sums of services have a column each.
func writeBillLines(w *strings.Builder, r costReport, explain bool) {
	services, sums := r.Services()
	width := 0
	for _, line := range r.Lines {
		width = max(width, len([]rune(line.Item)))
	}
	row := func(name, amount, sum string) {
		name = printable.Text(name)
		pad := strings.Repeat(" ", max(0, width+2-len([]rune(name))))
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%s%s  %13s  %11s", name, pad, amount, sum), " "))
	}
	for _, service := range services {
		row(service, "", sums[service].Cents())
		for _, line := range r.Lines {
			if line.Service != service {
				continue
			}
			row("  "+line.Item, amountText(line), "")
			if explain {
				fmt.Fprintf(w, "      %s = %s %s\n", printable.Text(line.How), line.Quantity.Text(2), line.Unit)
				fmt.Fprintf(w, "      %s\n", printable.Text(line.Prices))
				fmt.Fprintf(w, "      price: %s, %s, seen %s\n", line.Confidence, printable.Text(line.Source),
					printable.Text(line.Seen))
			}
		}
	}
	row("total", "", r.USD.Cents())
	if n := r.Excluded(); n > 0 {
		fmt.Fprintf(w, "without %s of unknown price\n", counted(int64(n), "line{|s}"))
	}
}

func writeVariants(w *strings.Builder, variants []cost.Variant) {
	fmt.Fprint(w, "\nvariants\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  \tUSD a month\tsaves\tby\n")
	for _, v := range variants {
		saves, amount := v.Saves.Cents(), v.USD.Cents()
		if v.Setting == "" {
			saves = ""
		}
		if v.Excluded > 0 {
			amount += fmt.Sprintf(" and %d unknown", v.Excluded)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", printable.Text(v.Name), amount, saves, printable.Text(v.Setting))
	}
	flushTable(table)
}

func writeResources(w *strings.Builder, title string, list []cost.Resources) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, r := range list {
		fmt.Fprintf(w, "  %s, %d %s: %s\n", printable.Text(r.Type), r.Count, plural.Of(int64(r.Count), "resource{|s}"),
			printable.Text(r.Why))
	}
}

func writeList(w *strings.Builder, title string, list []string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, text := range list {
		fmt.Fprintf(w, "  - %s\n", printable.Text(text))
	}
}
