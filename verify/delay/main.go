// Command delay forwards TCP connections, each byte later, as a distance would. It prints its address, and ends
// when its standard input does.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "delay:", err)
		os.Exit(1)
	}
}

func run(args []string, until io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("delay", flag.ContinueOnError)
	to := flags.String("to", "", "`address` on loopback to forward to")
	delay := flags.Duration("delay", 15*time.Millisecond, "how much later each way")
	if err := flags.Parse(args); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(*to)
	if err != nil || !net.ParseIP(host).IsLoopback() || *delay < 0 {
		return fmt.Errorf("-to must be an address on loopback, and -delay 0 or more (got %q and %v)", *to, *delay)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, until)
		listener.Close()
	}()
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go forward(client, *to, *delay)
	}
}

// forward carries one connection until both sides have ended.
func forward(client net.Conn, to string, delay time.Duration) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return // the client sees a connection that closes
	}
	defer server.Close()
	var carrying sync.WaitGroup
	carrying.Go(func() { carry(server.(*net.TCPConn), client, delay) })
	carrying.Go(func() { carry(client.(*net.TCPConn), server, delay) })
	carrying.Wait()
}

// part is some bytes on their way.
type part struct {
	due  time.Time
	data []byte
}

// carry copies from one side to the other, each part as much later as the delay says.
func carry(to *net.TCPConn, from io.Reader, delay time.Duration) {
	parts := make(chan part, 1024)
	go func() {
		defer close(parts)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				parts <- part{time.Now().Add(delay), data[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range parts {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_ = to.CloseWrite() // the other side may have closed it
	for range parts {   // so that the reader ends
	}
}
