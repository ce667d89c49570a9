// Command mutants plants one fault at a time in a copy of the project and reports the test that notices it. A fault
// that no test notices is a hole in the tests. Run it from the root of the project: make mutants.
//
// Exit codes: 0 when each fault was noticed; 1 when one survived; 2 when the table does not fit the project any more (a
// text that its file does not have exactly once, a mutation that does not compile, a check without a test), or a check
// fails without any fault.
//
// The script score.sh beside it measures packages the other way: with many small faults that a program chooses.
package main
