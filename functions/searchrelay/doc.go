// Package searchrelay answers CloudFormation for a search setup inside a VPC.
//
// A custom resource's answer goes to an address in S3. The setup function inside the VPC reaches the domain and nothing
// else: it would need a route to S3, which a shared VPC may not have, and a rule for it in its security group, which no
// template can write for every region. So this function, outside the VPC, takes CloudFormation's request, calls the
// setup function through Lambda's own API, and answers. It also sees to the service-linked role without which
// OpenSearch Service rejects a domain in a VPC.
package searchrelay
