package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// smallProject is a project with a package whose tests are fast.
var smallProject = map[string]string{
	"go.mod": "module small\n\ngo 1.26\n",
	"sum/sum.go": `package sum

func Add(a, b int) int { return a + b }

func Count(n int) (steps int) {
	for i := 0; i < n; i++ {
		steps++
	}
	return steps
}

func Unseen() int { return 1 }
`,
	"sum/sum_test.go": `package sum

import "testing"

func TestAdd(t *testing.T) {
	t.Run("small", func(t *testing.T) {
		if Add(1, 2) != 3 {
			t.Fail()
		}
	})
}

func TestCount(t *testing.T) {
	if Count(2) != 2 {
		t.Fail()
	}
}

func TestBroken(t *testing.T) { t.Fatal("always") }

func TestLast(t *testing.T) { Unseen() }
`,
}

func writeProject(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRunMutation(t *testing.T) {
	root := writeProject(t, smallProject)
	b := newBench(root, time.Second)
	sound := testsOf("sum", "TestAdd", "TestCount", "TestLast")
	for _, c := range []struct {
		mutation             mutation
		outcome, by, problem string
	}{
		{mutation{Name: "caught", Old: "a + b", New: "a - b", Check: sound}, caught, "TestAdd/small", ""},
		{mutation{Name: "endless", Old: "i++", New: "i--", Check: sound}, caught, "time limit", ""},
		{mutation{Name: "survives", Old: "return 1", New: "return 2", Check: sound}, survived, "", ""},
		{mutation{Name: "not compiled", Old: "a + b", New: "a + c", Check: sound}, failed, "", "does not compile"},
		{mutation{Name: "not there", Old: "a * b", New: "a", Check: sound}, failed, "", "exactly once (found 0 times)"},
		{mutation{Name: "no test", Old: "a + b", New: "a", Check: testsOf("sum", "TestNone")}, failed, "", "runs no test"},
		{mutation{Name: "unsound", Old: "a + b", New: "a", Check: testsOf("sum")}, failed, "",
			"fails without a fault: TestBroken"},
	} {
		c.mutation.File = "sum/sum.go"
		r := b.runMutation(context.Background(), c.mutation)
		if r.Outcome != c.outcome || r.By != c.by || !strings.Contains(r.Problem, c.problem) ||
			(r.Problem == "") != (c.problem == "") {
			t.Errorf("%s: must be %s by %q, %q (got %s by %q, %q)", c.mutation.Name, c.outcome, c.by, c.problem,
				r.Outcome, r.By, r.Problem)
		}
		text, err := os.ReadFile(filepath.Join(root, "sum", "sum.go"))
		if err != nil || string(text) != smallProject["sum/sum.go"] {
			t.Fatalf("%s: the file must be as before (got %s, %v)", c.mutation.Name, text, err)
		}
	}
}

func TestReadTests(t *testing.T) {
	for output, want := range map[string]tests{
		"=== RUN   TestA\n--- PASS: TestA (0.00s)\nPASS\n": {passed: true},
		"=== RUN   TestA\n--- SKIP: TestA (0.00s)\nPASS\n": {},
		"=== RUN   TestA\n=== RUN   TestA/b\n--- FAIL: TestA (0.00s)\n    --- PASS: TestA/a (0.00s)\n" +
			"    --- FAIL: TestA/b (0.00s)\n        --- FAIL: TestA/b/c (0.00s)\nFAIL\n": {passed: true,
			failedTest: "TestA/b/c"},
		"=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\npanic: nil map\n": {passed: true, failedTest: "TestB"},
		"=== RUN   TestA\nfatal error: all goroutines are asleep\n":                   {failedTest: "TestA"},
		"=== RUN   TestA\npanic: test timed out after 1s\n":                           {failedTest: "time limit"},
	} {
		got := readTests(output)
		got.output = ""
		if got != want {
			t.Errorf("%q: must be %+v (got %+v)", output, want, got)
		}
	}
}
