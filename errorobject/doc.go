// Package errorobject reads and writes the error objects that Firehose puts into S3: where they are ([Source]), their
// documents in Firehose's three layouts, and a reader in bounded memory.
//
// The package has no AWS client: an object comes as an [io.Reader].
package errorobject
