// Package opensearch is the search domain of the local model: files of documents in place of a server, or a real
// server.
package opensearch
