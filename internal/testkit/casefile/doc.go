// Package casefile reads test cases of which one file is one case: a CDK context, a line of ten dashes, and the
// expectations. A case is added without code.
//
//	# why the rule exists (optional)
//	env BUFFER_SIZE_MB=0
//	{"environment": "dev"}
//	----------
//	error: BUFFER_SIZE_MB (bufferSizeMB): must be 1 to 128 (got 0)
//
// Before the line: comments, environment variables, then the context as JSON text, which may be wrong or missing. After
// the line, one expectation a line:
//
//	error: <line>            a problem; the error lines of a case are all its problems, in order
//	setting: <key> = <JSON>  the value of a setting
//	note: <line>             a note
//	template: <text>         for the test of the template, kept verbatim
package casefile
