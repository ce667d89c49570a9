package firehose

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The short way through an answer reads whatever it takes as the long way does.
func TestCompactAnswer(t *testing.T) {
	ids := newRecordIDs("arn", "seed")
	other := newRecordIDs("arn", "another seed")
	r := rand.New(rand.NewPCG(1, 2))
	compact := 0
	for n := range 20_000 {
		b := &batch{}
		var records []string
		for i := range int64(1 + r.IntN(5)) {
			b.numbers, b.ends = append(b.numbers, i), append(b.ends, 0)
			id := string(ids.appendID(nil, i))
			switch r.IntN(40) {
			case 0:
				id = string(ids.appendID(nil, i+7))
			case 1:
				id = string(other.appendID(nil, i))
			case 2:
				id = id[1:]
			}
			result := []string{"Ok", "Ok", "Ok", "Dropped", "ProcessingFailed", "ok"}[r.IntN(6)]
			data := []string{`,"data":"e30K"`, `,"data":""`, "", `,"data":null`, `,"data":"\/\u0041"`}[max(0, r.IntN(25)-20)]
			records = append(records, fmt.Sprintf(`{"recordId":"%s","result":"%s"%s}`, id, result, data))
		}
		answer := []byte(`{"records":[` + strings.Join(records, ",") + `]}`)
		switch at := r.IntN(len(answer)); r.IntN(6) {
		case 0:
			answer[at] = []byte(`"\{}[],: x`)[r.IntN(10)]
		case 1:
			answer = slices.Insert(answer, at, []byte("\" \n,}]\x00\xff")[r.IntN(8)])
		case 2:
			answer = answer[:at]
		}
		long := &batch{numbers: b.numbers, ends: b.ends}
		long.clearResults(answer)
		if !long.parseResult(answer, ids) {
			long.failure = &errAnswerNotRead
		}
		b.readResults(answer, ids)
		if b.failure != long.failure || b.failure == nil && !slices.Equal(b.results, long.results) {
			t.Fatalf("answer %d: %s\ngot %v %v\nwant %v %v", n, answer, b.failure, b.results, long.failure, long.results)
		}
		short := &batch{numbers: b.numbers, ends: b.ends}
		short.clearResults(answer)
		if short.parseCompact(answer, ids) {
			compact++
		}
	}
	if compact < 3000 || compact > 15_000 {
		t.Errorf("%d of 20,000 answers went the short way", compact)
	}
}
