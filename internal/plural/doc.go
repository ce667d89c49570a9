// Package plural puts a text into the number of what it counts.
package plural
