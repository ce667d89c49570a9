// Package apigateway models a REST API of API Gateway in front of an AWS service: authorisation by IAM as far as a
// signature can be seen, API key, throttling, request model, mapping templates and gateway responses, all read from the
// synthesised template. Where AWS documents no behaviour, a comment says so.
package apigateway
