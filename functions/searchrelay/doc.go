// Package searchrelay answers CloudFormation for a search setup that stands in a VPC.
//
// A custom resource's answer goes to an address in S3. The setup function inside the VPC reaches the domain and nothing else:
// it would need a route to S3, which in a VPC of somebody else nobody knows, and a rule for it in its security group, which no
// template can write for every region. So this function, which stands outside, takes CloudFormation's request, calls the
// setup function through Lambda's own API, and answers. It also sees to the service-linked role without which OpenSearch
// Service refuses a domain in a VPC.
package searchrelay
