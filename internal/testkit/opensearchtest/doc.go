// Package opensearchtest runs a real OpenSearch with its real security plugin on loopback, for tests and for `make
// opensearch`: TLS on, fine-grained access control on, one node, 1 GiB of heap, as an unprivileged user. In place of an
// IAM role it has an internal user whose backend role is that role's ARN.
//
// It differs from a domain of Amazon OpenSearch Service in this: requests carry a user and a password, not a signature;
// the domain's access policy is not there; and neither is index state management, whose plugin is not published where
// Maven finds it. An installation of the caller's own, which the environment variable OPENSEARCH_HOME names, has it:
// there its jobs run every minute, where those of a domain run every 5 to 8 minutes.
package opensearchtest
