// Package sigv4 signs the search setup's requests. It is a package of its own so that searchsetup, which the CDK app
// imports for the form of its state, links nothing of the AWS SDK.
package sigv4
