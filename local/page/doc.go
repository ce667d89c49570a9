// Package page shows a run in a browser: a page served on loopback while the run is at work, and the same page as one
// file, with its data in it, when the run has ended.
package page
