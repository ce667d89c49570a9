// Package loopback opens the listeners of the local endpoints, which let anybody in, and keeps web pages out of them.
package loopback
