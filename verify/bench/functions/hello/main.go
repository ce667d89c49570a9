// Command hello is the smallest Lambda function that aws-lambda-go's documentation shows.
package main

import "github.com/aws/aws-lambda-go/lambda"

func hello() (string, error) { return "hello, world", nil }

func main() { lambda.Start(hello) }
