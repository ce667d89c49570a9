// Package awsclient makes the AWS SDK's clients that more than one program needs, for AWS and for a server on this
// machine.
package awsclient
