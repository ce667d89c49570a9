// Package s3 serves the S3 API on loopback over a plain folder: the current version of every object is the file
// <dir>/<bucket>/<key>, so that the objects can be read with ordinary tools.
//
// The protocol is gofakes3's; the store behind it is this package's own, because gofakes3's store for folders shows
// half-written objects, has no versions and no pages. Here a write goes to a file beside the buckets and is renamed
// into its place, buckets can be versioned, and a callback gets each object created.
//
// Not modelled: permissions (any credentials will do), encryption, lifecycle, tags, checksums of uploads other than
// Content-MD5 (they are kept and given back, not verified), the minimum size of an upload's parts. A key is rejected
// with InvalidArgument when it cannot be a file: with an empty segment, "." or "..", a segment above 255 bytes, or
// where one key would be the folder of another. Metadata and earlier versions live as long as the server; a later
// server over the same folder finds the objects' contents, as unversioned objects.
package s3
