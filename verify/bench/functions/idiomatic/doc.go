// Command idiomatic is the Lambda function of package idiomatic.
package main
