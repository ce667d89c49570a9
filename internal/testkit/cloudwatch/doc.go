// Package cloudwatch evaluates the alarms of a synthesised template against series of metrics, by CloudWatch's
// documented rules: periods and sliding windows, M of N, missing data, metric math, composite alarms with a suppressor,
// warm-up and mute rules. It is for tests: which messages does an incident send, when, and how many?
//
// The rules, and the pages that they are from, are beside the code. Where the documentation leaves something open, the
// package assumes the case that sends more messages:
//
//   - The evaluation range is two periods longer than the evaluation periods, as in every example of the documentation.
//   - A metric has its value at the end of its minute. On AWS a value arrives one to some minutes later.
//   - Alarms of one minute are evaluated one after the other, and composite alarms after each of them, in an order that
//     the caller chooses: a rule must not depend on it.
//   - A composite alarm executes the actions of its state at the end of each extension period, also if it has executed
//     them before.
package cloudwatch
