// Package filelock keeps a second run away from what a run works on.
package filelock
