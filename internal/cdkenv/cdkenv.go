// Package cdkenv switches off the validator that the CDK brings to each app, before the CDK's runtime starts.
//
// The runtime copies the environment while its package is initialised, which is before main. Go initialises packages in
// the order of their import paths, as soon as all that they import is ready
// (https://go.dev/ref/spec#Program_initialization): this package imports the standard library only, and its path comes
// before github.com. TestTheCDKDoesNotValidate in the root fails when that is no longer so; a template would then be
// validated twice, never less.
package cdkenv

import "os"

// Variable is the CDK's: "false" switches its validator off (`cdk --no-validation` sets it).
const Variable = "CDK_VALIDATION"

// Wish is the value that the caller gave to [Variable], and empty without one.
var Wish = replace(Variable, "false")

// replace sets the variable and returns the value that it had.
func replace(name, value string) string {
	had := os.Getenv(name)
	// It fails for names and values that the system does not take, which these are not.
	if err := os.Setenv(name, value); err != nil {
		panic(err)
	}
	return had
}
