package opensearchtest

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Version of the server: the newest 2.19 of which Maven Central has both the server and the security plugin.
const Version = "2.19.1"

// versionVariable names another version of [releases], for tests that need no users.
const versionVariable = "OPENSEARCH_VERSION"

// artifact is a file of an installation.
type artifact struct{ coordinates, file, sha256, into string }

// releases are the versions that can be installed. OpenSearch's own integration tests run the same archive of the
// server: it has the engine and the HTTP transport, without bundled plugins. Of 3.8.0, the newest 3.x of which Maven
// Central has the server, it does not have the security plugin.
var releases = map[string][]artifact{
	Version: {
		{"org.opensearch.distribution.integ-test-zip:opensearch:" + Version + ":zip", "opensearch-" + Version + ".zip",
			"af7152d8b7f6f1cee09d47276b32b70479fe6dd8cdbb61213f84eb7f8098b261", ""},
		{"org.opensearch.plugin:opensearch-security:" + Version + ".0:zip", "opensearch-security-" + Version + ".0.zip",
			"94a04f12ac6033902209fac1e4e512618d45beee604bbf0e42c3ed79c55220cf", securityPlugin},
	},
	"3.8.0": {
		{"org.opensearch.distribution.integ-test-zip:opensearch:3.8.0:zip", "opensearch-3.8.0.zip",
			"196c3cf4602c394f2e40e6174ccbf2a924eae37246f08fa6bbb6b75f9fd5ff1f", ""},
	},
}

// securityPlugin is the folder of the plugin for users and roles.
const securityPlugin = "plugins/opensearch-security"

// chooseVersion returns the version that is to be installed.
func chooseVersion(withoutUsers bool) (string, error) {
	version := os.Getenv(versionVariable)
	if version == "" {
		return Version, nil
	}
	if releases[version] == nil {
		return "", fmt.Errorf("%s: must be one of %s (got %q)", versionVariable,
			strings.Join(slices.Sorted(maps.Keys(releases)), ", "), version)
	}
	if len(releases[version]) == 1 && !withoutUsers {
		return "", fmt.Errorf("%s: must have the security plugin here, which Maven Central does not have of %s",
			versionVariable, version)
	}
	return version, nil
}

const mavenPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

// cacheDir is where installations are kept between runs. The server runs as nobody when the caller is root, so it
// must be a place that everybody can read.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/firehose-pipeline", nil
	}
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "firehose-pipeline"), err
}

// homeVariable names an installation of the caller's own.
const homeVariable = "OPENSEARCH_HOME"

// ownHome checks an installation that the caller brings, and returns its version. It must have the plugins of a
// domain that are tested here, among them index state management, which is not published.
func ownHome(home string) (version string, err error) {
	for _, name := range []string{"bin/opensearch", "config", securityPlugin,
		"plugins/opensearch-job-scheduler", stateManagement} {
		if _, err := os.Stat(filepath.Join(home, name)); err != nil {
			return "", fmt.Errorf("%s: must be an installation of OpenSearch with %s: %w", homeVariable, name, err)
		}
	}
	jars, err := filepath.Glob(filepath.Join(home, "lib", "opensearch-[0-9]*.jar"))
	if err != nil || len(jars) != 1 {
		return "", fmt.Errorf("%s: must be an installation of OpenSearch with one lib/opensearch-<version>.jar (got %q)",
			homeVariable, jars)
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(jars[0]), "opensearch-"), ".jar"), nil
}

// stateManagement is the folder of the plugin for index state management.
const stateManagement = "plugins/opensearch-index-management"

// installServer returns the folder of the installation, made once for each version.
func installServer(ctx context.Context, version string, progress io.Writer) (home string, err error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	home = filepath.Join(cache, "opensearch-"+version)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", errors.New("maven is missing: OpenSearch comes from Maven Central (https://maven.apache.org/install.html)")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(cache, "installing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", err
	}
	for _, a := range releases[version] {
		fmt.Fprintf(progress, "fetching %s\n", a.coordinates)
		fetch := exec.CommandContext(ctx, "mvn", "-q", "-B", mavenPlugin, "-Dartifact="+a.coordinates,
			"-DoutputDirectory="+work)
		fetch.Dir = work
		if out, err := fetch.CombinedOutput(); err != nil {
			return "", fmt.Errorf("fetching %s: %w\n%s", a.coordinates, err, out)
		}
		archive := filepath.Join(work, a.file)
		if err := checkSum(archive, a.sha256); err != nil {
			return "", err
		}
		if err := unzipFile(archive, filepath.Join(work, "opensearch-"+version, a.into), a.into == ""); err != nil {
			return "", fmt.Errorf("unpacking %s: %w", a.file, err)
		}
	}
	if err := os.MkdirAll(filepath.Join(work, "opensearch-"+version, "plugins"), 0o755); err != nil {
		return "", err // the server wants the folder, also an empty one
	}
	// Complete or not there: another run may install at the same time, and either is as good.
	if err := os.Rename(filepath.Join(work, "opensearch-"+version), home); err != nil {
		if _, there := os.Stat(home); there != nil {
			return "", err
		}
	}
	return home, nil
}

func checkSum(name, want string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("%s: SHA-256 must be %s (got %s)", filepath.Base(name), want, got)
	}
	return nil
}

// unzipFile unpacks into a folder; strip leaves out the archive's own top folder.
func unzipFile(archive, into string, strip bool) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		name := f.Name
		if strip {
			_, name, _ = strings.Cut(name, "/")
		}
		if name == "" || strings.HasSuffix(name, "/") {
			continue
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%s: leads out of the archive", f.Name)
		}
		if err := extractFile(f, filepath.Join(into, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func extractFile(f *zip.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// javaHome finds the Java that is on the path. OpenSearch 2.19 runs on 11 to 21, 3.x on 21 or later.
func javaHome() (string, error) {
	for _, name := range []string{"OPENSEARCH_JAVA_HOME", "JAVA_HOME"} {
		if dir := os.Getenv(name); dir != "" {
			return dir, nil
		}
	}
	java, err := exec.LookPath("java")
	if err == nil {
		java, err = filepath.EvalSymlinks(java)
	}
	if err != nil {
		return "", fmt.Errorf("java is missing: OpenSearch %s needs Java 11 to 21: %w", Version, err)
	}
	return filepath.Dir(filepath.Dir(java)), nil
}
