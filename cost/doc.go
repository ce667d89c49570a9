// Package cost estimates a month's bill of a stack from its synthesised template, a workload and a list of prices.
//
// Amounts are exact: quantities and prices are rational numbers, and only the amount of a line is rounded, half up to
// the cent. The total is the sum of the rounded lines.
//
// A month has 730 hours and a GB 2^30 bytes, as in AWS's own examples:
// https://aws.amazon.com/firehose/pricing/ (1,048,576 KB/GB), https://aws.amazon.com/s3/faqs/ (1,073,741,824 bytes).
package cost
