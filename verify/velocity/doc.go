// Program velocity renders the front door's mapping templates with Apache Velocity, 1.7 and the newest, which Maven
// fetches, and with the local model's own evaluator. All outputs must be the same bytes, and every record in a request
// must decode to the bytes of the body that it comes from.
package main
