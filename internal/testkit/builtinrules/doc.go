// Package builtinrules lets a test compare a whole output of the transform with the shipped rules' output for an event,
// although rules may have been added to event.Rules since: their fields are cut out of the output's bytes, and nothing
// else.
//
// Only tests import it. It does not import the package event, whose own tests use it.
package builtinrules
