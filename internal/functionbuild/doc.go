// Package functionbuild compiles the Lambda functions with the host's Go and names each build after what went into it.
//
// The name is a hash of the sources, not of the binary: two patch releases of Go compile the same sources to different
// bytes, and a deployment without a change must change nothing. The go line of go.mod is part of the hash, so raising
// it (go 1.26.0 → go 1.26.9) deploys functions compiled anew.
package functionbuild
