// Package unzip reads objects and files that may be compressed.
package unzip
