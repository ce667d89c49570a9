package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"testing"
)

func readShop(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../../" + storeEvents)
	if err != nil {
		t.Fatal(err)
	}
	return shopEvents(data)
}

// The figures of docs/reliability.md are of these records.
func TestWriteEventsWritesTheSameRecordsAlways(t *testing.T) {
	var out bytes.Buffer
	if err := writeEvents(&out, readShop(t), 12_345); err != nil {
		t.Fatal(err)
	}
	const want = "8385c05b60abf46e3298a63d29cfdc70d031641ff5dec77434c21371ee7ea0e0"
	if got := fmt.Sprintf("%x", sha256.Sum256(out.Bytes())); got != want {
		t.Errorf("SHA-256 of the records: %s, want %s", got, want)
	}
}
