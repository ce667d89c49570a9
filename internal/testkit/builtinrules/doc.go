// Package builtinrules cuts the fields of added rules out of the transform's output, and nothing else. A test can so
// compare a whole output with the fields of the shipped rules, although rules may have been added to event.Rules
// since.
//
// Only tests import it. It does not import the package event, whose own tests use it.
package builtinrules
