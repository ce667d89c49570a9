// Command pipeline is the operator's command: `pipeline local` runs the whole pipeline on this machine, `pipeline send` puts events
// to the streams, `pipeline replay` puts failed records back.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
