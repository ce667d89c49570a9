package functionbuild

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Names are the functions, each a main package functions/<name>/bootstrap.
var Names = []string{"transform", "errorhandler", "searchsetup", "searchrelay"}

// Target is the platform that a function is compiled for.
type Target struct {
	OS, Arch string // as GOOS and GOARCH
}

// Lambda is the stack's target: provided.al2023 on Graviton.
var Lambda = Target{OS: "linux", Arch: "arm64"}

// flags returns the flags of a build. They leave out parts that a function does not need (the RPC server of the retired
// go1.x runtime, the symbol table), and for Lambda the differences between machines: paths, version control. Without
// -trimpath a build for this machine shares the compiled packages of the command and of the tests.
func (t Target) flags() []string {
	common := []string{"-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w"}
	if t == Lambda {
		return append([]string{"-trimpath"}, common...)
	}
	return common
}

// hashVersion changes when the meaning of the hash does.
const hashVersion = "1"

// goEnvironment is the environment of the go command: the caller's, without the settings that would change the result.
func (t Target) goEnvironment() []string {
	return append(os.Environ(), "GOOS="+t.OS, "GOARCH="+t.Arch, "GOARM64=v8.0", "GOAMD64=v1", "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=")
}

// Build compiles the named function into outDir/bootstrap, the name that provided.al2023 looks for. Root is the folder
// of go.mod.
func Build(ctx context.Context, root, name, outDir string, target Target) error {
	if !slices.Contains(Names, name) {
		return fmt.Errorf("building function: must be one of %s (got %q)", strings.Join(Names, ", "), name)
	}
	if err := compile(ctx, root, name, outDir, target); err != nil {
		return fmt.Errorf("building function %s: %w", name, err)
	}
	return nil
}

func compile(ctx context.Context, root, name, outDir string, target Target) error {
	out, err := filepath.Abs(filepath.Join(outDir, "bootstrap"))
	if err != nil {
		return err
	}
	args := append(append([]string{"build"}, target.flags()...), "-o", out, "./functions/"+name+"/bootstrap")
	if _, err := runGo(ctx, root, target, args...); err != nil {
		return err
	}
	// Whatever the umask: Lambda runs it as a user of its own.
	return os.Chmod(out, 0o755)
}

// Asset is one function, built.
type Asset struct {
	Dir  string // holds bootstrap and the function's files, and nothing else
	Hash string // of the sources and files
}

// Files are the contents of files that a function finds beside its executable, by the function's name and the file's.
type Files map[string]map[string][]byte

// BuildAll compiles the functions for target into folders of cacheDir, named by hash, and returns them by name. An
// existing folder is not built again. Progress gets one line a build.
func BuildAll(
	ctx context.Context, root, cacheDir string, target Target, files Files, progress io.Writer,
) (map[string]Asset, error) {
	hashes, err := Hashes(ctx, root, target)
	if err != nil {
		return nil, err
	}
	assets := make(map[string]Asset, len(Names))
	for _, name := range Names {
		asset := Asset{Dir: filepath.Join(cacheDir, target.OS+"-"+target.Arch, name+"-"+hashes[name][:16]),
			Hash: hashes[name]}
		if !isBuilt(asset.Dir) {
			fmt.Fprintf(progress, "building function %s for %s/%s\n", name, target.OS, target.Arch)
			err := makeFolder(asset.Dir, func(tmp string) error { return compile(ctx, root, name, tmp, target) })
			if err != nil {
				return nil, fmt.Errorf("building function %s: %w", name, err)
			}
		}
		assets[name] = asset
	}
	return AddFiles(assets, files)
}

// AddFiles returns builds with files beside their executables, each in a folder of its own beside the build's.
func AddFiles(builds map[string]Asset, files Files) (map[string]Asset, error) {
	assets := maps.Clone(builds)
	for name, build := range builds {
		if len(files[name]) == 0 {
			continue
		}
		asset, err := addFiles(build, name, files[name])
		if err != nil {
			return nil, err
		}
		assets[name] = asset
	}
	return assets, nil
}

// makeFolder fills a folder beside the final one and renames it, so that an interrupted one is never taken for a
// finished one. It is finished when it holds bootstrap.
func makeFolder(dir string, fill func(tmp string) error) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".making-"+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil && !isBuilt(dir) {
		return err
	}
	return nil
}

// addFiles puts a build and files into a folder of their own, named by the hash of both.
func addFiles(built Asset, name string, files map[string][]byte) (Asset, error) {
	hash := hashWithFiles(built.Hash, files)
	asset := Asset{Dir: filepath.Join(filepath.Dir(built.Dir), name+"-"+hash[:16]), Hash: hash}
	if isBuilt(asset.Dir) {
		return asset, nil
	}
	err := makeFolder(asset.Dir, func(tmp string) error {
		program, err := os.ReadFile(filepath.Join(built.Dir, "bootstrap"))
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(tmp, "bootstrap"), program, 0o755); err != nil {
			return err
		}
		for file, content := range files {
			if err := writeFile(filepath.Join(tmp, file), content, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Asset{}, fmt.Errorf("packing function %s: %w", name, err)
	}
	return asset, nil
}

// writeFile writes a file with exactly these permissions, whatever the umask.
func writeFile(path string, content []byte, mode os.FileMode) error {
	if err := os.WriteFile(path, content, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

// isBuilt reports whether a folder holds a finished build.
func isBuilt(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "bootstrap"))
	return err == nil
}

func runGo(ctx context.Context, root string, target Target, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = target.goEnvironment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
