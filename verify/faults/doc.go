// Command faults proves conservation: no record is lost, with each fault of the local model alone and with all
// together.
//
// It sends events through `pipeline local --check`. Every record put must be in its store, dropped by rule or in the
// dead-letter queue, except for losses that AWS itself declares, and every duplicate must be identified by its id. A
// fault that is never injected fails the run too. Each run prints a row of the table in docs/reliability.md.
package main
