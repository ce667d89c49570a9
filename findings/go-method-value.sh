#!/usr/bin/env bash
# Go 1.26.8, and 1.24.5 and 1.27.3 as well: the compiler keeps a variable on the stack although a method value of it
# stores its address in the heap. The method is small enough to be inlined into the wrapper that the method value is, and
# there its loop over an iterator becomes a function in the heap that holds the receiver. When the stack moves, the loop
# has the old address: it reads and writes memory that belongs to something else. The same method called directly is
# right. Needs Go 1.21 or later.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GOTOOLCHAIN=go1.26.8 GOFLAGS=
printf 'module example.com/orders\n\ngo 1.26\n' >go.mod
cat >orders.go <<'GO'
package main

import (
	"iter"
	"unsafe"
)

// receiver is the address of the search in the last call of compare. Nothing reads what is there.
var receiver uintptr

type search struct{ wanted, found int }

//go:noinline
func (s *search) each(do func(n int)) { do(3) }

//go:noinline
func (s *search) compare(n int) { receiver = uintptr(unsafe.Pointer(s)) }

type numbers struct{ n int }

func (r *numbers) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for {
			if r.n--; r.n < 0 || !yield(r.n) {
				return
			}
		}
	}
}

// growStack needs more stack than a new goroutine has: the stack moves.
//
//go:noinline
func growStack(n int) byte {
	var frame [256]byte
	if n > 0 {
		return frame[n%256] + growStack(n-1)
	}
	return frame[0]
}

func (s *search) find() {
	s.each(func(n int) {
		r := &numbers{n}
		for m := range r.all() {
			growStack(1000)
			s.compare(m)
		}
	})
}

//go:noinline
func byMethodValue() bool {
	s := &search{wanted: 1}
	for _, find := range []func(){s.find} {
		find()
	}
	return receiver == uintptr(unsafe.Pointer(s))
}

//go:noinline
func byCall() bool {
	s := &search{wanted: 1}
	s.find()
	return receiver == uintptr(unsafe.Pointer(s))
}

func report(name string, run func() bool) {
	same := make(chan bool)
	go func() { same <- run() }()
	println(name+": the receiver is the caller's variable:", <-same)
}

func main() {
	report("call", byCall)
	report("method value", byMethodValue)
}
GO
go version
printed=$(go build -gcflags=-m=2 . 2>&1 | grep -E '^\./orders\.go:[0-9:]+ (&search\{\.\.\.\}|func literal) (does not escape|escapes to heap)( in .*)?:?$' || true)
echo "$printed"
seen=$(./orders 2>&1)
echo "$seen"
[[ $printed == *'&search{...} does not escape'* && $printed == *'func literal escapes to heap in (*search).find-fm'* ]]
[[ $seen == $'call: the receiver is the caller\'s variable: true\nmethod value: the receiver is the caller\'s variable: false' ]]
