// Command hello is the smallest Lambda function in aws-lambda-go's documentation.
package main
