package transform

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// mix returns n events of 200 bytes to 1 KB, 3 % of which are malformed in one of several ways.
func mix(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	events := make([][]byte, n)
	for i := range events {
		var b strings.Builder
		fmt.Fprintf(&b, `{"event_id":"%016x","user_id":"%d","event_type":"%s"`, random.Uint64(), random.IntN(1e9),
			pick("view", "click", "purchase", "add_to_cart", "search", "login"))
		fmt.Fprintf(&b, `,"amount":%d.%02d,"product_id":"%d","timestamp":"2026-0%d-1%dT0%d:00:0%d.%03dZ"`, random.IntN(900),
			random.IntN(100), random.IntN(1e8), 1+random.IntN(9), random.IntN(10), random.IntN(10), random.IntN(10), random.IntN(1000))
		if random.IntN(2) == 0 {
			fmt.Fprintf(&b, `,"session_id":"%016x-%08x","category_id":%d`, random.Uint64(), random.Uint32(), random.Int64())
		}
		size := 200 + random.IntN(800)
		if b.Len() < size-120 {
			fmt.Fprintf(&b, `,"page":{"url":"https://shop.example.com/p/%d?ref=%d","load_ms":%d,"tags":["%s","new"],"ok":true}`,
				random.IntN(1e6), random.IntN(1e4), random.IntN(5000), pick("sale", "top", "summer"))
		}
		for k := 0; b.Len() < size-60; k++ {
			switch random.IntN(4) {
			case 0:
				fmt.Fprintf(&b, `,"attribute_%d":"%s"`, k, strings.Repeat("lorem ipsum ", 1+random.IntN(8)))
			case 1:
				fmt.Fprintf(&b, `,"measure_%d":%v`, k, random.Float64()*1000)
			case 2:
				fmt.Fprintf(&b, `,"note_%d":"caf\u00e9 \"%d\" größe"`, k, random.IntN(1000))
			case 3:
				fmt.Fprintf(&b, `,"flags_%d":[%d,%d,null,false]`, k, random.IntN(100), random.IntN(100))
			}
		}
		b.WriteByte('}')
		event := b.String()
		if random.IntN(100) < 3 {
			switch random.IntN(3) {
			case 0:
				event = event[:len(event)/2]
			case 1:
				event = strings.Replace(event, `"amount":`, `"amount":"x`, 1)
			case 2:
				event = strings.Replace(event, `"user_id":`, `"user_id":{"a":1},"u":`, 1)
			}
		}
		events[i] = []byte(event)
	}
	return events
}

// requestOf returns Firehose's request with these records.
func requestOf(records ...[]byte) []byte {
	b := []byte(`{"invocationId":"a2b4c6d8-0000-4000-8000-000000000000","deliveryStreamArn":"arn:aws:firehose:eu-west-1:123456789012:deliverystream/lake","region":"eu-west-1","records":[`)
	for i, record := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"recordId":"`+recordID(i)+`","approximateArrivalTimestamp":1790000000000,"data":"`...)
		b = base64.StdEncoding.AppendEncode(b, record)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}

// recordID has the form of those that Firehose gives to DirectPut records.
func recordID(i int) string {
	return "495469866831355442865079363216256756" + fmt.Sprintf("%020d", i)
}
