// Package documents reads the table of documents that real servers have accepted or rejected, for the tests of the
// model and of verify/search.
package documents
