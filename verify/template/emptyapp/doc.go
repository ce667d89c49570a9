// Command emptyapp is the smallest CDK app in Go: the baseline of `make bench-synth`.
package main
