package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printTable prints the figures for people.
func (m *Measures) printTable(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, values ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	row("Go lines, files", "%d in %d", m.Lines, m.Files.Count)
	row("Test lines, files", "%d in %d", m.TestLines, m.TestFiles)
	row("File: median, 90 %, largest", "%d, %d, %d", m.Files.Median, m.Files.P90, m.Files.Max)
	row("Function: median, 90 %, 99 %, largest", "%d, %d, %d, %d", m.Functions.Median, m.Functions.P90, m.Functions.P99,
		m.Functions.Max)
	row("Functions over 60 lines", "%d of %d", m.LongFunctions, m.Functions.Count)
	row("Single-word function names", "%s", m.SingleWord)
	for _, p := range phrases {
		row("Per 1,000 words: "+p.name, "comments %.1f, documentation %.1f", m.Comments.Per1000(p.key),
			m.Pages.Per1000(p.key))
	}
	row("Words", "comments %d, documentation %d", m.Comments.Words, m.Pages.Words)
	row("Lines over 120 columns", "%s; tests %s", m.WideLines, m.WideTestLines)
	row("Test files paired", "%s", m.PairedTests)
	row("Exported things documented", "%s", m.Documented)
	row("Packages with a comment", "%s; in doc.go %s", m.PackageDocs, m.DocFiles)
	row("Example functions, fuzz targets", "%d, %d", m.Examples, m.Fuzz)
	row("Places of 6 or more equal lines", "%d, per 10,000 lines %.0f", m.Repeated, m.RepeatedPer10000)
	row("README lines", "%d", m.ReadmeLines)
	return table.Flush()
}

// String returns the share as percent and counts.
func (s Share) String() string {
	return fmt.Sprintf("%.1f %% (%d of %d)", s.Percent(), s.Part, s.Whole)
}

// printPlaces prints where the matches of a measure are.
func (p *Project) printPlaces(out io.Writer, measure string) error {
	places, err := p.findPlaces(measure)
	if err != nil {
		return err
	}
	for _, place := range places {
		if _, err := fmt.Fprintln(out, place); err != nil {
			return err
		}
	}
	return nil
}

// findPlaces returns where the matches of a measure are.
func (p *Project) findPlaces(measure string) ([]string, error) {
	switch measure {
	case "names":
		return p.singleWordNames(), nil
	case "wide":
		return p.wideLines(), nil
	case "unpaired":
		return p.unpairedTests(), nil
	case "repeated":
		return p.repeatedPlaces(), nil
	case "links":
		return p.brokenLinks()
	case "files":
		return p.missingFiles(), nil
	}
	for _, known := range phrases {
		if known.key == measure {
			return p.phrasePlaces(known), nil
		}
	}
	return nil, fmt.Errorf("-where: must be a phrase's key, names, wide, unpaired, repeated, links or files (got %q)",
		measure)
}

func (p *Project) singleWordNames() []string {
	var places []string
	for _, file := range p.Go {
		if !file.isMeasured() {
			continue
		}
		for _, function := range functionsOf(file) {
			if isSingleWord(function.Name.Name) {
				places = append(places, p.positionOf(function.Pos())+": "+function.Name.Name)
			}
		}
	}
	return places
}

// wideLines returns the wide lines of all files that are not tests.
func (p *Project) wideLines() []string {
	var places []string
	for _, file := range p.Go {
		for at, text := range file.Lines {
			if file.isMeasured() && isWide(text) {
				places = append(places, fmt.Sprintf("%s:%d", file.Path, at+1))
			}
		}
	}
	return places
}

func (p *Project) unpairedTests() []string {
	var places []string
	for _, file := range p.Go {
		if file.Test && !p.isPaired(file.Path) {
			places = append(places, file.Path)
		}
	}
	return places
}

// phrasePlaces returns where a phrase is, in comments and pages. A match over a line's end has the line where it
// begins.
func (p *Project) phrasePlaces(known phrase) []string {
	var places []string
	find := func(path string, line int, text string) {
		for _, match := range known.pattern.FindAllStringIndex(text, -1) {
			at := line + strings.Count(text[:match[0]], "\n")
			words := strings.Join(strings.Fields(text[match[0]:match[1]]), " ")
			places = append(places, fmt.Sprintf("%s:%d: %s", path, at, words))
		}
	}
	for _, file := range p.Go {
		if !file.isMeasured() {
			continue
		}
		for _, group := range file.Syntax.Comments {
			find(file.Path, p.FileSet.Position(group.Pos()).Line, group.Text())
		}
	}
	for _, page := range p.Pages {
		find(page.Path, 1, page.proseText())
	}
	return places
}
