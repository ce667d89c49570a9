// Command coverage prints how many statements the tests of all packages reach, for the packages that run on AWS, at the
// operator's desk and in the local model: `make coverage`. Uncovered statements are counted by kind, and -list prints
// their places.
//
// Processes that the tests start are not counted: the functions' binaries, whose main packages therefore have no
// covered statement. The local model ends them as Lambda does, without notice, and Go writes its counters at the end of
// main.
package main
