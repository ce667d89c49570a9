// Package deadletter is the format of the dead-letter queue: the message, its kinds, and the reason why a record
// failed. The error handler writes these messages; replay reads them.
//
// The package has no AWS client: messages leave and come as text.
package deadletter
