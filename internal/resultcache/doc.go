// Package resultcache keeps results in a folder, each under the hash of everything that it depends on.
//
// A result is only reused when it is intact and of the same key. Everything else in the folder (a result that was cut
// short or edited, one of another key under this name, a folder, a pipe) counts as absent. A folder that cannot be read
// or written means that nothing is reused.
package resultcache
