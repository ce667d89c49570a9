// Package sigv4 signs requests to AWS services with the SDK's signer alone. It is a package of its own so that
// searchsetup, which the CDK app imports for the form of its state, links nothing of the AWS SDK, and the transform no
// client of it.
package sigv4
