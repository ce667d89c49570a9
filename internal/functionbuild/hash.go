package functionbuild

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	SFiles     []string
	EmbedFiles []string
	Deps       []string
	Module     *goModule

	IgnoredGoFiles, CgoFiles []string // of other platforms and build tags
}

type goModule struct {
	Path, Version, Dir, GoVersion string
	Main                          bool
	Replace                       *goModule
}

// Hashes returns the hash of every function's sources by name: its own packages file by file, under names relative to
// their module, every other module by version (go.sum pins its content), the build flags, the target, and the go line
// of go.mod. The standard library is left out on purpose: see the package comment.
func Hashes(ctx context.Context, root string, target Target) (map[string]string, error) {
	paths := make([]string, len(Names))
	for i, name := range Names {
		paths[i] = "./functions/" + name + "/bootstrap"
	}
	packages, err := listPackages(ctx, root, target, "lambda.norpc", paths...)
	if err != nil {
		return nil, fmt.Errorf("listing the functions' sources: %w", err)
	}
	hashes := make(map[string]string, len(Names))
	for _, name := range Names {
		if hashes[name], err = hashFunction(packages, name, target); err != nil {
			return nil, fmt.Errorf("hashing function %s: %w", name, err)
		}
	}
	return hashes, nil
}

// HashApp returns the hash of the CDK app's sources, which are the main package of root and all that it imports, as
// [Hashes] does. Files of other platforms and build tags count, too.
func HashApp(ctx context.Context, root string, target Target) (string, error) {
	packages, err := listPackages(ctx, root, target, "", ".")
	if err != nil {
		return "", fmt.Errorf("listing the app's sources: %w", err)
	}
	for path, p := range packages {
		if p.Module != nil && p.Module.Main && path == p.Module.Path {
			lines, err := listSources(packages, p, true)
			if err != nil {
				return "", fmt.Errorf("hashing the app's sources: %w", err)
			}
			return hashLines(append(lines, "go "+p.Module.GoVersion, "target "+target.OS+"/"+target.Arch)), nil
		}
	}
	return "", fmt.Errorf("hashing the app's sources: no package in %s", root)
}

// listPackages returns the packages in paths and all that they import, by import path.
func listPackages(ctx context.Context, root string, target Target, tags string, paths ...string) (
	map[string]goPackage, error) {
	args := append([]string{"list", "-deps", "-tags", tags,
		"-json=ImportPath,Dir,Standard,GoFiles,SFiles,EmbedFiles,IgnoredGoFiles,CgoFiles,Deps,Module"},
		paths...)
	out, err := runGo(ctx, root, target, args...)
	if err != nil {
		return nil, err
	}
	packages := map[string]goPackage{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages[p.ImportPath] = p
	}
}

// hashWithFiles returns the hash of a build with the files beside it.
func hashWithFiles(build string, files map[string][]byte) string {
	lines := []string{"build " + build}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		lines = append(lines, fmt.Sprintf("file %s %x", file, sha256.Sum256(files[file])))
	}
	return hashLines(lines)
}

// TemplateOnly is an environment variable. The CDK app names the functions with [NameAll] when it is "true", and builds
// them otherwise.
const TemplateOnly = "PIPELINE_TEMPLATE_ONLY"

// NameAll returns the assets of [BuildAll] without compiling anything: each has its hash, and the folder dir, whatever
// that holds. It is for a template that is only read.
func NameAll(ctx context.Context, root, dir string, target Target, files Files) (map[string]Asset, error) {
	hashes, err := Hashes(ctx, root, target)
	if err != nil {
		return nil, err
	}
	assets := make(map[string]Asset, len(Names))
	for _, name := range Names {
		assets[name] = Asset{Dir: dir, Hash: hashes[name]}
		if len(files[name]) > 0 {
			assets[name] = Asset{Dir: dir, Hash: hashWithFiles(hashes[name], files[name])}
		}
	}
	return assets, nil
}

func hashFunction(packages map[string]goPackage, name string, target Target) (string, error) {
	var main *goPackage
	for _, p := range packages {
		if p.Module != nil && p.Module.Main && strings.HasSuffix(p.ImportPath, "/functions/"+name+"/bootstrap") {
			main = &p
		}
	}
	if main == nil {
		return "", fmt.Errorf("no package functions/%s", name)
	}
	sources, err := listSources(packages, *main, false)
	if err != nil {
		return "", err
	}
	return hashLines(append([]string{
		"version " + hashVersion,
		"go " + main.Module.GoVersion,
		"target " + target.OS + "/" + target.Arch,
		"flags " + strings.Join(target.flags(), " "),
		"main " + main.ImportPath,
	}, sources...)), nil
}

// listSources returns a line for each module and each source file that the main package is built from, sorted; with
// ignored also for the files that only other platforms and build tags select.
func listSources(packages map[string]goPackage, main goPackage, ignored bool) ([]string, error) {
	var lines []string
	for _, path := range append([]string{main.ImportPath}, main.Deps...) {
		p, ok := packages[path]
		if !ok || p.Standard || p.Module == nil {
			continue
		}
		if module := p.Module; module.Version != "" && module.Replace == nil {
			lines = append(lines, "module "+module.Path+"@"+module.Version)
			continue
		}
		files := slices.Concat(p.GoFiles, p.SFiles, p.EmbedFiles)
		if ignored {
			files = slices.Concat(files, p.IgnoredGoFiles, p.CgoFiles)
		}
		for _, file := range files {
			content, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("file %s/%s %x", p.ImportPath, filepath.ToSlash(file),
				sha256.Sum256(content)))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func hashLines(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}
