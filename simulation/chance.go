package simulation

import (
	"hash/fnv"
	"time"
)

// chance makes choices from a number: the same ones on every machine and with every version of Go (SplitMix64, public
// domain, https://prng.di.unimi.it/splitmix64.c). It uses integers only: machines round floating point differently.
type chance struct{ state uint64 }

// newChance returns the choices of one decision of a seed. What names a decision is independent of all others, so that
// leaving one out does not change the rest.
func newChance(seed uint64, names ...string) *chance {
	h := fnv.New64a()
	for _, name := range names {
		h.Write([]byte(name))
		h.Write([]byte{0})
	}
	return &chance{seed*0x9e3779b97f4a7c15 ^ h.Sum64()}
}

func (c *chance) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// number returns a number from 0 up to, not including, n; 0 for an n of 0.
func (c *chance) number(n int) int {
	if n <= 0 {
		return 0
	}
	return int(c.next() % uint64(n))
}

// hits reports whether something with so many chances in 10,000 comes about.
func (c *chance) hits(chances int) bool { return c.number(10_000) < chances }

// between returns a duration from the first up to the second.
func (c *chance) between(low, high time.Duration) time.Duration {
	return low + time.Duration(c.next()%uint64(high-low))
}

// spread returns a duration from low to high, each order of magnitude as probable as the others.
func (c *chance) spread(low, high time.Duration) time.Duration {
	doublings := 0
	for d := low; d < high; d *= 2 {
		doublings++
	}
	from := low << c.number(doublings)
	return min(c.between(from, 2*from), high)
}

// shuffle changes the order of n things.
func (c *chance) shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, c.number(i+1))
	}
}
