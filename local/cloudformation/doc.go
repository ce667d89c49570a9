// Package cloudformation plays the part of CloudFormation that the operator's commands need. DescribeStacks returns
// outputs that name the parts of the local model, so that commands which ask the stack for names run against the model
// too. It speaks the query protocol
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html).
package cloudformation
