package searchsetup

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// block is what keeps a server from doing something with its indices: a cluster_block_exception of the server, or of
// its security plugin, which answers 500 with the same words.
type block struct {
	indices []string // names, sorted; of a block of the whole cluster those that were asked for, or none
	cluster bool     // the whole cluster is blocked
	full    bool     // the disks are: every index of a node is blocked, those of the plugins too
}

var (
	blockPattern = regexp.MustCompile(`(?:index \[([^\]\\"]+)\] )?blocked by: \[([^\]]*)\]`)
	// clusterBlock matches blocks 6 (read-only), 10 (create-index) and 13 (read-only, allow delete), which are the
	// cluster's own. Amazon OpenSearch Service blocks writes for want of storage, and while the JVM's heap stays full.
	// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/handling-errors.html#troubleshooting-cluster-block
	clusterBlock = regexp.MustCompile(`/(6|10|13)/cluster `)
)

// parseBlock finds a block in an error response; nil without one.
func parseBlock(answer []byte) *block {
	names, b := map[string]bool{}, block{}
	matches := blockPattern.FindAllSubmatch(answer, -1)
	for _, m := range matches {
		if len(m[1]) > 0 {
			names[string(m[1])] = true
		}
		b.cluster = b.cluster || clusterBlock.Match(m[2])
		b.full = b.full || strings.Contains(string(m[2]), "/12/")
	}
	if len(matches) == 0 {
		return nil
	}
	b.indices = slices.Sorted(maps.Keys(names))
	return &b
}

// blockOf returns the block that made a call fail; nil: something else did.
func blockOf(err error) *block {
	var e *CallError
	if errors.As(err, &e) {
		return e.block
	}
	return nil
}

// blocksOnly reports whether nothing but one index is blocked, as far as the server's response shows.
func (b *block) blocksOnly(index string) bool {
	return b != nil && !b.cluster && slices.Equal(b.indices, []string{index})
}

// adviceText says what to do about a block of more than single indices of the pipeline; empty: the error says enough.
func (b *block) adviceText() string {
	ofPlugins := func(index string) bool { return strings.HasPrefix(index, ".") }
	switch {
	case b == nil:
		return ""
	case b.full:
		return "the disks are full (flood stage): indices accept no writes, and nothing is deleted by age. " +
			"Delete the oldest indices by hand, then deploy again"
	case b.cluster || len(b.indices) == 0 || slices.ContainsFunc(b.indices, ofPlugins):
		return "the domain accepts no writes: its disks or its memory are full, or somebody blocked it. " +
			"If it is the disks, delete the oldest indices by hand. Then deploy again"
	}
	return ""
}

// withAdvice puts the advice before the error: CloudFormation shows the beginning.
func withAdvice(err error) error {
	if advice := blockOf(err).adviceText(); advice != "" {
		return fmt.Errorf("%s: %w", advice, err)
	}
	return err
}

// skipsIndex reports whether a change of one index may be left out: it was deleted since it was listed, as the
// retention does, or a block keeps just this index as it is, which somebody set. The log names the latter.
func (s *Setup) skipsIndex(index string, err error) bool {
	if isGone(err) {
		return true
	}
	if !blockOf(err).blocksOnly(index) {
		return false
	}
	s.log().Warn("a block keeps the index as it is", "index", escapeText(index), "error", err.Error())
	return true
}

// isGone reports whether an index was deleted since it was listed.
func isGone(err error) bool { return hasStatus(err, http.StatusNotFound) }
