package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

//go:embed assets
var assets embed.FS

// readAsset returns an embedded file.
func readAsset(name string) string {
	text, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

var (
	document = readAsset("page.html")
	styles   = readAsset("flow.css") + readAsset("page.css")
	scripts  = joinScripts("dom.js", "flow.js", "edges.js", "letters.js", "files.js", "follow.js", "main.js")
)

// joinScripts makes one script of the files, whose names are of that script alone.
func joinScripts(names ...string) string {
	var all strings.Builder
	all.WriteString("\"use strict\";\n(() => {\n")
	for _, name := range names {
		all.WriteString(readAsset(name))
	}
	all.WriteString("})();\n")
	return all.String()
}

// writeLive writes the served page, with the first state in it, so that the first paint needs no further request.
func writeLive(w io.Writer, token string, state json.RawMessage) error {
	return writeDocument(w, "", `<link rel="stylesheet" href="/page.css">`, `<script src="/page.js" defer></script>`,
		map[string]any{"token": token, "state": state})
}

// writeReport writes the page as one file that loads nothing. The policy names the hashes of its script and its styles,
// so that nothing else runs in it.
func writeReport(w io.Writer, data any) error {
	policy := fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; base-uri 'none'; "+
		"form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'", hashSource(scripts),
		hashSource(styles))
	return writeDocument(w, `<meta http-equiv="Content-Security-Policy" content="`+policy+`">`,
		"<style>"+styles+"</style>", "<script>"+scripts+"</script>", data)
}

// hashSource is the name of a script or style in a Content-Security-Policy.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// writeDocument fills in the parts. The data is JSON in which no character can end the element around it: <, >, &,
// U+2028 and U+2029 are escapes.
func writeDocument(w io.Writer, policy, style, script string, data any) error {
	encoded, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encoding the page's data: %w", err)
	}
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, encoded) // also in the parts that were JSON before
	parts := strings.NewReplacer("{{policy}}", policy, "{{style}}", style, "{{script}}", script, "{{data}}",
		escaped.String())
	_, err = parts.WriteString(w, document)
	return err
}
