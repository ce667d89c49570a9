// Command echo is a Lambda function that answers with its request: the cost of aws-lambda-go's client by itself.
package main
