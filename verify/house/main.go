package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("house", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	where := flags.String("where", "",
		"list the places of this `measure` instead: what, told, stand, no, names, wide, unpaired, repeated, "+
			"links (of comments, to nothing) or files (named, but missing)")
	root := flags.String("root", ".", "`folder` of the project")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("must have no arguments but flags (got %q)", flags.Args())
	}
	project, err := ReadProject(*root)
	if err != nil {
		return err
	}
	if *where != "" {
		return project.printPlaces(out, *where)
	}
	m := project.Measure()
	if *asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(m)
	}
	return m.printTable(out)
}
