// Package constructs holds the parts of the pipeline, one construct a file, and [Pipeline], which composes them. A
// construct is a Go struct made by NewX(scope, id, props) that exports the resources others refer to; jsii pointers
// appear only at the CDK call.
package constructs
