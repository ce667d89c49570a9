// Package template reads the synthesised CloudFormation template into the configuration of the local model.
//
// It reads only the modelled resources, and rejects every property of them that it does not know, so that
// the model cannot drift from the deployed stack.
package template
