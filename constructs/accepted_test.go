package constructs_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// acceptance accepts findings of cdk-nag and Checkov. It is a comment directly above the construction of the resource:
//
//	//accept:finding RULE,RULE on PATH, PATH when SETTING=VALUE,VALUE
//	// because REASON
//
// A rule of NIST, HIPAA or PCI has no prefix: the packs share these rules. A path begins below the pipeline, or below
// the stack where the CDK makes the resource by itself, and has no "Resource" at its end, which the CDK adds; * matches
// within one part. "when" is left out for every stack; the settings are those of readConditions. Each rule must find
// something at each path, with each value.
type acceptance struct {
	where   string // file and line
	rules   []string
	paths   []string
	setting string // empty: in every stack
	values  []string
	reason  string
}

var (
	acceptedLine = regexp.MustCompile(`^//accept:finding ([\w,-]+) on ([\w/:.*, -]+?)(?: when (\w+)=([\w,]+))?$`)
	construction = regexp.MustCompile(`^(New|new|Add)[A-Z]`)
)

// readConditions returns the settings that an acceptance can depend on.
func readConditions(config settings.Settings) map[string]string {
	vpc := "none"
	switch {
	case config.VPC.New:
		vpc = "new"
	case config.VPC.Existing != nil:
		vpc = "existing"
	}
	return map[string]string{"environment": config.Environment, "ingestion": config.Ingestion, "vpc": vpc}
}

// parseAcceptances returns the acceptances in a file of Go.
func parseAcceptances(name string, source any) ([]acceptance, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	constructions := map[int]bool{} // by line
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if construction.MatchString(name) {
				constructions[files.Position(call.Pos()).Line] = true
			}
		}
		return true
	})
	var found []acceptance
	var problems []error
	for _, group := range file.Comments {
		inGroup, err := parseGroup(files, group)
		if err == nil && len(inGroup) > 0 && !constructions[files.Position(group.End()).Line+1] {
			err = fmt.Errorf("%s: must be directly above the line that makes the resource", inGroup[0].where)
		}
		problems = append(problems, err)
		found = append(found, inGroup...)
	}
	return found, errors.Join(problems...)
}

// parseGroup reads the acceptances of one comment, which follow each other below any other text.
func parseGroup(files *token.FileSet, group *ast.CommentGroup) ([]acceptance, error) {
	var found []acceptance
	for _, line := range group.List {
		position := files.Position(line.Pos())
		where := fmt.Sprintf("%s:%d", filepath.Base(position.Filename), position.Line)
		if strings.HasPrefix(line.Text, "//accept:") {
			parts := acceptedLine.FindStringSubmatch(line.Text)
			if parts == nil {
				return nil, fmt.Errorf("%s: must be //accept:finding RULE,RULE on PATH, PATH [when SETTING=VALUE,VALUE] (got %s)",
					where, line.Text)
			}
			a := acceptance{
				where: where, rules: strings.Split(parts[1], ","), paths: strings.Split(parts[2], ", "), setting: parts[3],
			}
			if a.setting != "" {
				if _, ok := readConditions(settings.Settings{})[a.setting]; !ok {
					return nil, fmt.Errorf("%s: when: must name environment, ingestion or vpc (got %s)", where, a.setting)
				}
				a.values = strings.Split(parts[4], ",")
			}
			found = append(found, a)
			continue
		}
		if len(found) > 0 {
			last := &found[len(found)-1]
			last.reason = strings.TrimSpace(last.reason + " " + strings.TrimSpace(strings.TrimPrefix(line.Text, "//")))
		}
	}
	for i, a := range found {
		reason, ok := strings.CutPrefix(a.reason, "because ")
		if !ok || len(strings.Fields(reason)) < 3 {
			return nil, fmt.Errorf("%s: the next line must be // because REASON (got %q)", a.where, a.reason)
		}
		found[i].reason = reason
	}
	return found, nil
}

// acceptances are those of the package, and which of them accepted a finding.
type acceptances struct {
	all  []acceptance
	used map[string]bool
}

func readAcceptances(t *testing.T) *acceptances {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := &acceptances{used: map[string]bool{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		found, err := parseAcceptances(name, nil)
		if err != nil {
			t.Error(err)
		}
		read.all = append(read.all, found...)
	}
	return read
}

// accept returns an error unless one acceptance covers the finding in a stack with the settings.
func (a *acceptances) accept(rule, resource string, config settings.Settings) error {
	resource = strings.TrimSuffix(resource, "/Resource")
	by := map[string]bool{}
	for _, each := range a.all {
		value := ""
		if each.setting != "" {
			value = readConditions(config)[each.setting]
		}
		if !slices.Contains(each.rules, rule) || each.setting != "" && !slices.Contains(each.values, value) {
			continue
		}
		for _, pattern := range each.paths {
			if ok, err := path.Match(pattern, resource); err != nil {
				return fmt.Errorf("%s: %s: %w", each.where, pattern, err)
			} else if ok {
				by[each.where] = true
				a.used[keyOf(each, rule, pattern, value)] = true
			}
		}
	}
	if len(by) != 1 {
		return fmt.Errorf("%s at %s must be accepted by one comment (got %v)", rule, resource, sortedKeys(by))
	}
	return nil
}

func keyOf(a acceptance, rule, pattern, value string) string {
	return strings.Join([]string{a.where, rule, pattern, value}, " ")
}

// checkUsed returns the number of comments with rules of the tool, and an error for each rule, path and value that
// accepted nothing.
func (a *acceptances) checkUsed(ofTool func(rule string) bool) (entries int, err error) {
	var unused []error
	for _, each := range a.all {
		values := each.values
		if each.setting == "" {
			values = []string{""}
		}
		mine := false
		for _, rule := range each.rules {
			if !ofTool(rule) {
				continue
			}
			mine = true
			for _, pattern := range each.paths {
				for _, value := range values {
					if !a.used[keyOf(each, rule, pattern, value)] {
						unused = append(unused,
							fmt.Errorf("%s: %s is accepted at %s %s but found nowhere", each.where, rule, pattern, value))
					}
				}
			}
		}
		if mine {
			entries++
		}
	}
	return entries, errors.Join(unused...)
}

// securityVariants are the variants of which the security rules find every resource.
var securityVariants = []string{"dev", "staging", "production", "vpc new", "vpc new, three zones", "vpc existing",
	"ingestion kinesis", "front door keys"}

func isCheckov(rule string) bool { return strings.HasPrefix(rule, "CKV") }

func TestAcceptancesAreRead(t *testing.T) {
	const good = "\t//accept:finding A-1,CKV_AWS_2 on X/Y, X/*/Z when vpc=new,existing\n\t// because nobody\n\t// reads it\n"
	inFunction := func(comment, line string) string {
		return "package p\n\nfunc f() {\n" + comment + "\t" + line + "\n}\n"
	}
	found, err := parseAcceptances("p.go", inFunction(good, "x := m.NewThing(1)"))
	if err != nil || len(found) != 1 || fmt.Sprint(found[0]) !=
		"{p.go:4 [A-1 CKV_AWS_2] [X/Y X/*/Z] vpc [new existing] nobody reads it}" {
		t.Errorf("got %v, %v", found, err)
	}
	for name, text := range map[string]string{
		"no reason":            inFunction("\t//accept:finding A on X/Y\n", "x := m.NewThing(1)"),
		"a reason of one word": inFunction("\t//accept:finding A on X/Y\n\t// because yes\n", "x := m.NewThing(1)"),
		"no because":           inFunction("\t//accept:finding A on X/Y\n\t// nobody reads it\n", "x := m.NewThing(1)"),
		"no path":              inFunction("\t//accept:finding A\n\t// because nobody reads it\n", "x := m.NewThing(1)"),
		"another word":         inFunction("\t//accept:findings A on X\n\t// because nobody reads it\n", "x := m.NewThing(1)"),
		"an unknown setting":   inFunction("\t//accept:finding A on X when zone=1\n\t// because nobody reads it\n", "x := m.NewThing(1)"),
		"not above a resource": inFunction(good, "x := 1"),
		"an empty line below":  inFunction(good+"\n", "x := m.NewThing(1)"),
		"the second one":       inFunction(good+"\t//accept:finding A on X\n", "x := m.NewThing(1)"),
	} {
		if found, err := parseAcceptances("p.go", text); err == nil {
			t.Errorf("%s: must be an error (got %v)", name, found)
		}
	}
}

func TestFindingsAreAcceptedOnce(t *testing.T) {
	read := func(comments string) *acceptances {
		found, err := parseAcceptances("p.go", "package p\n\nfunc f() {\n"+comments+"\tm.NewThing(1)\n}\n")
		if err != nil {
			t.Fatal(err)
		}
		return &acceptances{all: found, used: map[string]bool{}}
	}
	const because = "\n\t// because nobody reads it\n"
	dev, production := settings.Settings{Environment: "dev"}, settings.Settings{Environment: "production"}
	a := read("\t//accept:finding A,CKV_AWS_2 on */Function, Lake/Bucket when environment=dev,production" + because)
	for _, problem := range []error{
		a.accept("A", "Lake/Function/Resource", dev), a.accept("A", "Lake/Bucket", dev),
		a.accept("A", "Lake/Function", production),
	} {
		if problem != nil {
			t.Error(problem)
		}
	}
	for name, problem := range map[string]error{
		"another rule":        a.accept("B", "Lake/Function", dev),
		"another path":        a.accept("A", "Lake/Role", dev),
		"a longer path":       a.accept("A", "Lake/Sub/Function", dev),
		"another environment": a.accept("A", "Lake/Function", settings.Settings{Environment: "staging"}),
		"two comments": read("\t//accept:finding A on X"+because+"\t//accept:finding A,B on X"+because).
			accept("A", "X", dev),
	} {
		if problem == nil {
			t.Errorf("%s: must be an error", name)
		}
	}
	if entries, err := a.checkUsed(func(rule string) bool { return !isCheckov(rule) }); entries != 1 || err == nil ||
		err.Error() != "p.go:4: A is accepted at Lake/Bucket production but found nowhere" {
		t.Errorf("got %d, %v", entries, err)
	}
	if entries, err := a.checkUsed(isCheckov); entries != 1 || err == nil || strings.Count(err.Error(), "CKV_AWS_2") != 4 {
		t.Errorf("got %d, %v", entries, err)
	}
}
