// Command bench is `make bench`: it measures the transform against a Python handler of the same rules, an idiomatic
// Go one and the floor, first the handlers alone, then as real Lambda functions through the Runtime API on loopback.
//
// On a shared machine only ratios within one run mean anything, and only of CPU time: the contenders take turns, and
// the lowest CPU time of each counts. Before anything is measured, the contenders have to give the same answers.
package main
