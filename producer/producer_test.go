package producer

import (
	"slices"
	"strings"
	"testing"
)

func TestBatches(t *testing.T) {
	long := strings.Repeat("x", MaxRecordBytes)
	for _, c := range []struct {
		rule    string
		records []string
		max     int
		want    []int
	}{
		{"nothing makes no batch", nil, MaxBatchBytes, nil},
		{"500 records are one batch", slices.Repeat([]string{"x"}, 500), MaxBatchBytes, []int{500}},
		{"501 records are two", slices.Repeat([]string{"x"}, 501), MaxBatchBytes, []int{500, 1}},
		{"4 MiB are four of the largest records", slices.Repeat([]string{long}, 5), MaxBatchBytes, []int{4, 1}},
		{"a lower bound holds", slices.Repeat([]string{"12345"}, 5), 10, []int{2, 2, 1}},
		{"a record above the bound goes alone", []string{"1", "1234567890", "1"}, 5, []int{1, 1, 1}},
		{"a bound above Firehose's is Firehose's", slices.Repeat([]string{long}, 5), 1 << 30, []int{4, 1}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var got []int
			for batch := range Batches(bytesOf(c.records...), c.max) {
				got = append(got, len(batch))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestBilled(t *testing.T) {
	for bytes, want := range map[int]int64{0: 5120, 1: 5120, 5120: 5120, 5121: 10240, 1024000: 1024000} {
		if got := Billed(bytes); got != want {
			t.Errorf("%d bytes: got %d, want %d", bytes, got, want)
		}
	}
}
