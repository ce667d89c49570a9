// Command pipeline is the operator's command: `pipeline local` runs the whole pipeline on this machine, `pipeline send`
// puts events to the streams, `pipeline replay` replays failed records.
package main
