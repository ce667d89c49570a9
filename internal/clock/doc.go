// Package clock has the time, the waiting that a context can end, and the pauses between retries. Tests bring a [Clock]
// of their own.
package clock
