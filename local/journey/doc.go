// Package journey follows one event through the results of a run: from put to row, document or dead letter. It searches
// when it is asked to; a run notes nothing about single events for it.
package journey
