package kinesis

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
)

// Hash is a number of 128 bits by which a record is assigned to a shard.
type Hash struct{ High, Low uint64 }

// HashOf returns the MD5 of a partition key.
// https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html#partition-key
func HashOf(key string) Hash {
	sum := md5.Sum([]byte(key))
	return Hash{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:])}
}

// ParseHash reads an explicit hash key: a decimal number without leading zeros.
func ParseHash(text string) (Hash, error) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 || n.String() != text {
		return Hash{}, fmt.Errorf("explicit hash key: must be a decimal number from 0 to 2^128-1 (got %q)", text)
	}
	var b [16]byte
	n.FillBytes(b[:])
	return Hash{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}, nil
}

// String returns the number as decimal digits.
func (h Hash) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], h.High)
	binary.BigEndian.PutUint64(b[8:], h.Low)
	return new(big.Int).SetBytes(b[:]).String()
}

func (h Hash) less(other Hash) bool {
	return h.High < other.High || h.High == other.High && h.Low < other.Low
}

// next returns the number after h; after the last one it is 0.
func (h Hash) next() Hash {
	low, carry := bits.Add64(h.Low, 1, 0)
	return Hash{h.High + carry, low}
}

// middle returns the last number of the lower half of a range.
func middle(first, last Hash) Hash {
	low, carry := bits.Add64(first.Low, last.Low, 0)
	high, carry := bits.Add64(first.High, last.High, carry)
	return Hash{high>>1 | carry<<63, low>>1 | high<<63}
}

var lastHash = Hash{1<<64 - 1, 1<<64 - 1}

// evenRanges cuts all hashes into n ranges, and returns the last hash of each.
func evenRanges(n int) []Hash {
	whole := new(big.Int).Lsh(big.NewInt(1), 128)
	ends := make([]Hash, n)
	for i := range ends {
		end := new(big.Int).Mul(whole, big.NewInt(int64(i+1)))
		end.Div(end, big.NewInt(int64(n))).Sub(end, big.NewInt(1))
		var b [16]byte
		end.FillBytes(b[:])
		ends[i] = Hash{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	}
	return ends
}
