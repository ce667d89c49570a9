package functionbuild

import (
	"bytes"
	"context"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// project makes a module with the three functions, each a few lines, and returns its folder.
func project(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "go.mod", "module example\n\ngo 1.26.0\n")
	write(t, root, "shared/shared.go", "package shared\n\nconst Name = \"shared\"\n")
	for _, name := range Names {
		uses := "import \"example/shared\"\n\nfunc main() { println(shared.Name) }\n"
		if name == "searchsetup" {
			uses = "func main() {}\n"
		}
		write(t, root, "functions/"+name+"/bootstrap/main.go", "package main\n\n"+uses)
	}
	return root
}

func write(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func hashes(t *testing.T, root string) map[string]string {
	t.Helper()
	h, err := Hashes(context.Background(), root, Lambda)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashesFollowTheSources(t *testing.T) {
	root := project(t)
	before := hashes(t, root)

	t.Run("not the folder", func(t *testing.T) {
		other := project(t)
		for name, hash := range hashes(t, other) {
			if hash != before[name] {
				t.Errorf("%s: must be %s in another folder too (got %s)", name, before[name], hash)
			}
		}
	})
	t.Run("not the machine", func(t *testing.T) {
		t.Setenv("GOARCH", "arm64")
		t.Setenv("GOOS", "darwin")
		t.Setenv("CGO_ENABLED", "1")
		t.Setenv("GOFLAGS", "-tags=other")
		t.Setenv("GOEXPERIMENT", "")
		for name, hash := range hashes(t, root) {
			if hash != before[name] {
				t.Errorf("%s: must be %s on another machine too (got %s)", name, before[name], hash)
			}
		}
	})
	t.Run("not files that are not compiled", func(t *testing.T) {
		write(t, root, "functions/transform/bootstrap/main_test.go", "package main\n")
		write(t, root, "functions/transform/bootstrap/README.md", "text")
		write(t, root, "functions/transform/bootstrap/other_windows.go", "package main\n")
		if after := hashes(t, root); after["transform"] != before["transform"] {
			t.Error("transform: must not change")
		}
	})
	t.Run("an imported package", func(t *testing.T) {
		write(t, root, "shared/shared.go", "package shared\n\nconst Name = \"changed\"\n")
		after := hashes(t, root)
		if after["transform"] == before["transform"] || after["errorhandler"] == before["errorhandler"] {
			t.Error("transform and errorhandler import the changed package: their hashes must change")
		}
		if after["searchsetup"] != before["searchsetup"] {
			t.Error("searchsetup does not import the changed package: its hash must not change")
		}
	})
	t.Run("the go line of go.mod", func(t *testing.T) {
		write(t, root, "go.mod", "module example\n\ngo 1.26.1\n")
		if after := hashes(t, root); after["searchsetup"] == before["searchsetup"] {
			t.Error("searchsetup: must change")
		}
	})
}

// The builds of the Makefile and cdk.json for this machine do not depend on the caller's settings for Go.
func TestHostEnvironment(t *testing.T) {
	folder := t.TempDir()
	write(t, folder, "go.work", "go 1.26.0\n")
	write(t, folder, "env", "GOARCH=riscv64\nGOFLAGS=-mod=vendor\n")
	for name, value := range map[string]string{"GOOS": "plan9", "GOARCH": "mips", "GOFLAGS": "-mod=mod -tags=other",
		"GOWORK": filepath.Join(folder, "go.work"), "GOENV": filepath.Join(folder, "env")} {
		t.Setenv(name, value)
	}
	out, err := exec.Command("sh", "hostenv.sh", "go", "env", "GOOS", "GOARCH", "GOWORK", "GOFLAGS",
		"CGO_ENABLED").CombinedOutput()
	want := runtime.GOOS + "\n" + runtime.GOARCH + "\noff\n-mod=readonly -buildvcs=false\n0\n"
	if err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
	if out, err := exec.Command("sh", "hostenv.sh", "sh", "-c", "exit 7").CombinedOutput(); err == nil ||
		err.Error() != "exit status 7" {
		t.Errorf("the command's status: got %q, %v", out, err)
	}
}

func TestBuildAll(t *testing.T) {
	root, cache := project(t), t.TempDir()
	var progress bytes.Buffer
	assets, err := BuildAll(context.Background(), root, cache, Lambda, nil, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(progress.String(), "\n"); got != len(Names) {
		t.Errorf("progress: must be a line a build (got %q)", progress.String())
	}
	for name, asset := range assets {
		path := filepath.Join(asset.Dir, "bootstrap")
		binary, err := elf.Open(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		binary.Close()
		if binary.Machine != elf.EM_AARCH64 {
			t.Errorf("%s: must be compiled for arm64 (got %s)", name, binary.Machine)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o755 {
			t.Errorf("%s: must be executable by everybody, as Lambda runs it (got %s)", name, info.Mode())
		}
		if entries, err := os.ReadDir(asset.Dir); err != nil || len(entries) != 1 {
			t.Errorf("%s: must hold bootstrap and nothing else (got %v, %v)", name, entries, err)
		}
		if content, err := os.ReadFile(path); err != nil || bytes.Contains(content, []byte(root)) {
			t.Errorf("%s: must not contain the folder it was built in", name)
		}
	}
	progress.Reset()
	if _, err := BuildAll(context.Background(), root, cache, Lambda, nil, &progress); err != nil || progress.Len() > 0 {
		t.Errorf("building again: must do nothing (got %q, %v)", progress.String(), err)
	}
}

func TestBuildSaysWhatTheCompilerSays(t *testing.T) {
	root := project(t)
	write(t, root, "functions/transform/bootstrap/main.go", "package main\n\nfunc main() { undefinedName() }\n")
	_, err := BuildAll(context.Background(), root, t.TempDir(), Lambda, nil, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "building function transform") ||
		!strings.Contains(err.Error(), "undefinedName") {
		t.Errorf("error: must name the function and the mistake (got %v)", err)
	}
}

// A template that is only read names the same assets as one that is deployed.
func TestNameAllNamesTheBuilds(t *testing.T) {
	root, cache, empty := project(t), t.TempDir(), t.TempDir()
	files := Files{"transform": {"event-schema.json": []byte("{}")}}
	built, err := BuildAll(context.Background(), root, cache, Lambda, files, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	named, err := NameAll(context.Background(), root, empty, Lambda, files)
	if err != nil {
		t.Fatal(err)
	}
	for name, asset := range built {
		if named[name] != (Asset{Dir: empty, Hash: asset.Hash}) {
			t.Errorf("%s: got %+v, want the hash %s in %s", name, named[name], asset.Hash, empty)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("nothing may be built (got %v, %v)", left, err)
	}
}
