// Command house measures the project's code, comments and documentation: sizes, names, language, tests. `make house`
// runs it.
//
// Unless it says otherwise, a figure is of Go files that are neither tests nor generated. limits_test.go has the limits
// that `make test` enforces; links_test.go checks that comments and documentation refer to identifiers and files that
// exist.
//
// The measures:
//
//   - Lines of files and functions: of a function, from func to its closing brace. The 90 % value is that of the
//     element at 0.9 × (count − 1), rounded down, in order of size.
//   - Single-word names: functions and methods whose names have one word, of camelCase.
//   - Phrases per 1,000 words: matches of the patterns in phrases, in comments and in Markdown outside code blocks.
//   - Wide lines: more than [MaxColumns] characters, a tab as one.
//   - Paired tests: test files beside a source file of the same name, less _test.
//   - Documented: exported functions, methods of exported types, types, constants and variables with a comment of their
//     own.
//   - Repeated places: runs of [RepeatedLines] or more lines, blank ones left out, that are at an earlier place too,
//     tests included.
package main
