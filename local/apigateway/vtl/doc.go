// Package vtl renders mapping templates of API Gateway: a subset of the Velocity Template Language that Velocity 1.7
// and 2.x render alike, which verify/velocity shows. A template outside of the subset is rejected when it is parsed.
//
// The subset: text, ## comments, $name, ${name} and $!name with properties and methods, #set, #if, #elseif, #else,
// #foreach and #end. Expressions have strings, whole numbers, true, false, references, comparisons, &&, || and !. A
// line with a directive has no white space before it and ends with ##, because versions of Velocity differ in the white
// space around directives that they drop.
// https://velocity.apache.org/engine/1.7/vtl-reference.html
package vtl
