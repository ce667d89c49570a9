// Command opensearch runs a real OpenSearch on 127.0.0.1 until it is interrupted: `make opensearch`.
package main
