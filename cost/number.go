package cost

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Number is an exact number. The zero value is 0. Numbers are immutable.
type Number struct{ r *big.Rat }

// The units that quantities are made of.
var (
	secondsPerMonth = WholeNumber(730 * 3600)
	hoursPerMonth   = WholeNumber(730)
	daysPerMonth    = WholeNumber(730).DividedBy(WholeNumber(24))
	secondsPerDay   = WholeNumber(86400)
	bytesPerGB      = WholeNumber(1 << 30)
	bytesPerMB      = WholeNumber(1 << 20)
	one             = WholeNumber(1)
)

// WholeNumber returns an integer as a number.
func WholeNumber(n int64) Number { return Number{new(big.Rat).SetInt64(n)} }

// maxNumberText bounds the text of a number, and maxExponent its exponent: an exponent of nine digits would be a number
// of a gigabyte.
const (
	maxNumberText = 60
	maxExponent   = 30
)

// ParseNumber reads a decimal number, such as 0.029 or 1e6: at most 60 characters, at most 30 digits before and after
// the point by its exponent.
func ParseNumber(text string) (Number, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if text == "" || len(text) > maxNumberText || strings.Trim(mantissa, "+-.0123456789") != "" {
		return Number{}, errNotNumber
	}
	if exponent != "" {
		var n int
		if _, err := fmt.Sscanf(exponent, "%d", &n); err != nil || n > maxExponent || n < -maxExponent {
			return Number{}, errNotNumber
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return Number{}, errNotNumber
	}
	return Number{r}, nil
}

var errNotNumber = errors.New("must be a decimal number, such as 0.029")

func (n Number) rat() *big.Rat {
	if n.r == nil {
		return new(big.Rat)
	}
	return n.r
}

// Plus returns the sum.
func (n Number) Plus(m Number) Number { return Number{new(big.Rat).Add(n.rat(), m.rat())} }

// Minus returns the difference.
func (n Number) Minus(m Number) Number { return Number{new(big.Rat).Sub(n.rat(), m.rat())} }

// Times returns the product.
func (n Number) Times(m Number) Number { return Number{new(big.Rat).Mul(n.rat(), m.rat())} }

// DividedBy returns the quotient; m must not be 0.
func (n Number) DividedBy(m Number) Number { return Number{new(big.Rat).Quo(n.rat(), m.rat())} }

// CompareTo returns -1, 0 or 1.
func (n Number) CompareTo(m Number) int { return n.rat().Cmp(m.rat()) }

// Sign returns -1, 0 or 1.
func (n Number) Sign() int { return n.rat().Sign() }

// SmallerOf returns the smaller number.
func (n Number) SmallerOf(m Number) Number {
	if n.CompareTo(m) < 0 {
		return n
	}
	return m
}

// LargerOf returns the larger number.
func (n Number) LargerOf(m Number) Number {
	if n.CompareTo(m) > 0 {
		return n
	}
	return m
}

// RoundedUp returns the next integer that is not below the number.
func (n Number) RoundedUp() Number {
	return n.Negated().RoundedDown().Negated()
}

// RoundedDown returns the next integer that is not above the number.
func (n Number) RoundedDown() Number {
	r := n.rat()
	// for a positive divisor DivMod rounds towards minus infinity
	q, _ := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	return Number{new(big.Rat).SetInt(q)}
}

// Negated returns the number with the other sign.
func (n Number) Negated() Number { return Number{new(big.Rat).Neg(n.rat())} }

// RoundedToCents returns the number rounded half away from zero to two decimals.
func (n Number) RoundedToCents() Number {
	rounded, err := ParseNumber(n.rat().FloatString(2)) // rounds halves away from zero
	if err != nil {
		return n // unreachable below 10^57: FloatString writes digits, a point and a sign
	}
	return rounded
}

// Cents is an amount with two decimals and commas: 1,234.50.
func (n Number) Cents() string { return groupDigits(n.rat().FloatString(2)) }

// Text is the number with at most so many decimals, without trailing zeros, with commas: 12,531.28.
func (n Number) Text(decimals int) string {
	return groupDigits(trimZeros(n.rat().FloatString(decimals)))
}

// String implements [fmt.Stringer].
func (n Number) String() string { return n.Exact() }

// Exact is the number with all its decimals, up to twelve.
func (n Number) Exact() string { return n.Text(12) }

// price is the number with at least two decimals: 0.20.
func (n Number) price() string {
	text := n.Exact()
	if whole, decimals, _ := strings.Cut(text, "."); len(decimals) < 2 {
		return whole + "." + (decimals + "00")[:2]
	}
	return text
}

func trimZeros(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

func groupDigits(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, decimals, pointed := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if pointed {
		decimals = "." + decimals
	}
	return sign + whole + decimals
}

// MarshalJSON writes the number as a JSON number with at most twelve decimals.
func (n Number) MarshalJSON() ([]byte, error) { return []byte(trimZeros(n.rat().FloatString(12))), nil }

// UnmarshalJSON reads a JSON number, or a string with one.
func (n *Number) UnmarshalJSON(text []byte) error {
	value := string(text)
	if strings.HasPrefix(value, `"`) {
		if err := json.Unmarshal(text, &value); err != nil {
			return err
		}
	}
	parsed, err := ParseNumber(value)
	if err != nil {
		return fmt.Errorf("%s: %w", value, err)
	}
	*n = parsed
	return nil
}
