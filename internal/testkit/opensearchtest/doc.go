// Package opensearchtest runs a real OpenSearch with its real security plugin on loopback, for tests and for `make
// opensearch`: TLS, fine-grained access control, one node, 1 GiB of heap, as an unprivileged user. An internal user
// whose backend role is the ARN of an IAM role takes the place of that role.
//
// It differs from a domain of Amazon OpenSearch Service in three points. Requests carry a user and a password, not a
// signature. The domain's access policy is missing. So is index state management, whose plugin is not in a Maven
// repository: an installation named by the environment variable OPENSEARCH_HOME has it, and runs its jobs every
// minute, where a domain runs them every 5 to 8 minutes.
//
// OPENSEARCH_VERSION names another version than the usual one: 3.8.0, which needs OPENSEARCH_JAVA_HOME with a Java of
// 21 or later. Maven Central does not have its security plugin, so only tests that need no users run with it.
package opensearchtest
