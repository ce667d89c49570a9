// Package filelock keeps a second run away from the files of a run.
package filelock
