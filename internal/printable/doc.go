// Package printable makes text that came from elsewhere (events, dead letters, keys of objects, answers of
// servers) harmless on a terminal and in a log: escape sequences, line ends, direction overrides and invisible
// characters are shown, not obeyed.
package printable
