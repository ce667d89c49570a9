// Package frontdoor is the definition of the HTTP front door: mapping templates, gateway responses and the request
// model. The stack deploys them, the local model reads them from the synthesised template, and verify/velocity renders
// them with Apache Velocity. docs/api.md describes the API that they make.
package frontdoor
