// Package parquet writes one Parquet file from JSON records, as Firehose's format conversion does with the OpenX JSON
// SerDe: which records it accepts, how it converts their values, and the schema that Hive gives the file. See
// convert.go for the rules and where each comes from.
//
// It writes in one pass and holds one row group at most, however long the file becomes.
package parquet
