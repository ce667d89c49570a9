package sampleevents

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Mix returns n events of 200 bytes to 1 KB, 636 bytes on average, as a shop's site and its apps send them: declared
// fields, some of which are missing, and objects with the page, the device, the place, the campaign, the items. 3 % are
// malformed.
func Mix(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	uuid := func() string {
		a, b := random.Uint64(), random.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xFFFF, a&0xFFF, b>>48&0xFFF, b&0xFFFFFFFFFFFF)
	}
	events := make([][]byte, n)
	for i := range events {
		var b strings.Builder
		product, category := 1_000_000+random.IntN(60_000_000),
			pick("electronics.audio.headphone", "electronics.smartphone", "apparel.shoes.keds",
				"furniture.living_room.sofa")
		fmt.Fprintf(&b, `{"event_id":"%s"`, uuid())
		if random.IntN(5) > 0 {
			fmt.Fprintf(&b, `,"user_id":"%d"`, 512_000_000+random.IntN(100_000_000))
		}
		fmt.Fprintf(&b, `,"event_type":"%s"`, pick("view", "view", "view", "click", "search", "cart", "purchase",
			"login"))
		if random.IntN(4) > 0 {
			fmt.Fprintf(&b, `,"amount":%d.%02d`, random.IntN(900), random.IntN(100))
		}
		fmt.Fprintf(&b, `,"product_id":"%d","timestamp":"2026-0%d-1%dT0%d:%d:0%d.%03dZ"`, product, 1+random.IntN(9),
			random.IntN(10),
			random.IntN(10), 10+random.IntN(50), random.IntN(10), random.IntN(1000))
		if random.IntN(2) == 0 {
			fmt.Fprintf(&b, `,"session_id":"%s","category_id":%d,"category_code":"%s","brand":"%s"`, uuid(),
				2_053_013_550_000_000_000+random.IntN(1e15), category, pick("apple", "samsung", "xiaomi", "bosch"))
		}
		size := 195 + random.IntN(790)
		sections := []func() string{
			func() string {
				return fmt.Sprintf(`"page":{"url":"https://shop.example.com/en/%s/%d?ref=%s&pos=%d","title":"%s","load_ms":%d}`, strings.ReplaceAll(category, ".", "/"),
					product, pick("newsletter", "search", "home"), random.IntN(40),
					pick("Wireless headphones, free returns", "Sofas and armchairs", "Schuhe für Größe 36 bis 48"),
					random.IntN(4000))
			},
			func() string {
				return fmt.Sprintf(`"device":{"os":"%s","app":%t,"screen":[%d,%d],"user_agent":"%s"}`,
					pick("Android 14", "iOS 17.5", "Windows"), random.IntN(2) == 0,
					pickInt(random, 390, 1080, 1920), pickInt(random, 844, 1080, 2400), pick(
						"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
						"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"))
			},
			func() string {
				return fmt.Sprintf(`"geo":{"country":"%s","city":"%s","lat":%.4f,"lon":%.4f}`,
					pick("DE", "FR", "PL", "US"), pick("Köln", "Lyon", "Łódź", "Austin"),
					random.Float64()*90, random.Float64()*180)
			},
			func() string {
				return fmt.Sprintf(`"campaign":{"source":"%s","medium":"email","name":"spring-sale-%d"}`,
					pick("newsletter", "partner", "push"), 2020+random.IntN(7))
			},
			func() string {
				var items []string
				for range 1 + random.IntN(3) {
					items = append(items, fmt.Sprintf(`{"sku":"A-%d","price":%d.%02d,"quantity":%d}`,
						1e6+random.IntN(1e6), random.IntN(500), random.IntN(100), 1+random.IntN(5)))
				}
				return `"items":[` + strings.Join(items, ",") + `]`
			},
			func() string {
				return fmt.Sprintf(`"search":{"query":"%s","results":%d}`,
					pick(`noise cancelling \"over ear\"`, "sofa 3 seats", `caf\u00e9 table`), random.IntN(500))
			},
			func() string { return `"consent":{"analytics":true,"ads":false,"until":null}` },
			func() string {
				return fmt.Sprintf(`"experiments":["checkout-v2:%s","banner:%s"],"version":%d`, pick("a", "b"),
					pick("a", "b"), random.IntN(90))
			},
		}
		// A producer writes its fields in one order, and leaves out missing ones.
		for _, section := range sections {
			if text := section(); random.IntN(3) > 0 && b.Len()+len(text) < size+60 {
				b.WriteString("," + text)
			}
		}
		if n := (size - b.Len()) / 46; n > 0 {
			b.WriteString(`,"note":"` + strings.Repeat("The quick brown fox jumps over the lazy dog. ", min(n, 8)) +
				`"`)
		}
		b.WriteByte('}')
		events[i] = spoilSome(random, b.String())
	}
	return events
}

func pickInt(random *rand.Rand, from ...int) int { return from[random.IntN(len(from))] }

// spoilSome makes 3 % of the events malformed: cut off, not JSON, or with a declared field of another type.
func spoilSome(random *rand.Rand, event string) []byte {
	if random.IntN(100) < 3 {
		switch random.IntN(3) {
		case 0:
			event = event[:len(event)/2]
		case 1:
			event = strings.Replace(event, `"product_id":`, `"product_id":"x`, 1)
		case 2:
			event = strings.Replace(event, `"timestamp":`, `"timestamp":{"a":1},"time":`, 1)
		}
	}
	return []byte(event)
}

// Dense returns n events of the same sizes as Mix's, made of the most expensive content to read: short texts with
// escapes, long numbers, small arrays, and at the top level many fields that are not declared. 3 % are malformed.
func Dense(n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	events := make([][]byte, n)
	for i := range events {
		var b strings.Builder
		fmt.Fprintf(&b, `{"event_id":"%016x","user_id":"%d","event_type":"%s"`, random.Uint64(), random.IntN(1e9),
			pick("view", "click", "purchase", "add_to_cart", "search", "login"))
		fmt.Fprintf(&b, `,"amount":%d.%02d,"product_id":"%d","timestamp":"2026-0%d-1%dT0%d:00:0%d.%03dZ"`,
			random.IntN(900),
			random.IntN(100), random.IntN(1e8), 1+random.IntN(9), random.IntN(10), random.IntN(10), random.IntN(10),
			random.IntN(1000))
		if random.IntN(2) == 0 {
			fmt.Fprintf(&b, `,"session_id":"%016x-%08x","category_id":%d`, random.Uint64(), random.Uint32(),
				random.Int64())
		}
		size := 232 + random.IntN(800)
		if b.Len() < size-120 {
			fmt.Fprintf(&b, `,"page":{"url":"https://shop.example.com/p/%d?ref=%d","load_ms":%d,"tags":["%s","new"],"ok":true}`,
				random.IntN(1e6), random.IntN(1e4), random.IntN(5000), pick("sale", "top", "summer"))
		}
		for k := 0; b.Len() < size-20; k++ {
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
		events[i] = spoilSome(random, b.String())
	}
	return events
}

// Small returns n events of about 100 bytes with little but declared fields.
func Small(n int) [][]byte {
	random := rand.New(rand.NewPCG(3, 4))
	types := []string{"view", "click", "purchase", "search"}
	events := make([][]byte, n)
	for i := range events {
		events[i] = fmt.Appendf(nil, `{"event_id":"e%d","user_id":"%d","event_type":"%s","amount":%d.5,"timestamp":"2026-01-01T00:00:%02dZ"}`,
			i, random.IntN(1e5), types[random.IntN(len(types))], random.IntN(700), random.IntN(60))
	}
	return events
}

// Size returns events of the mix, as many as have room in so many bytes.
func Size(bytes int) [][]byte {
	events := Mix(bytes/636 + bytes/6360 + 10)
	total := 0
	for n, event := range events {
		if total += len(event); total > bytes {
			return events[:n]
		}
	}
	return events
}

// Request returns Firehose's request with these records.
func Request(records ...[]byte) []byte {
	b := []byte(`{"invocationId":"a2b4c6d8-0000-4000-8000-000000000000","deliveryStreamArn":"arn:aws:firehose:eu-west-1:123456789012:deliverystream/lake","region":"eu-west-1","records":[`)
	for i, record := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"recordId":"`+RecordID(i)+`","approximateArrivalTimestamp":1790000000000,"data":"`...)
		b = base64.StdEncoding.AppendEncode(b, record)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}

// RecordID has the form of those that Firehose gives to DirectPut records.
func RecordID(i int) string {
	return "495469866831355442865079363216256756" + fmt.Sprintf("%020d", i)
}
