// Package idiomatic is the transform as a first version in Go would be: aws-lambda-go's event types, encoding/json,
// and a map for each event. `make bench` compares the transform with it.
//
// It gives the same answers as the transform except for properties of encoding/json: members have its order, escapes
// its spelling, and the answer has no bound.
package idiomatic
