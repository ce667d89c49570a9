// Package loopback opens the listeners of the local endpoints, which let anybody in, and keeps web pages out of them.
package loopback

import (
	"fmt"
	"net"
)

// Listen listens on a TCP address such as 127.0.0.1:0, and refuses addresses that other machines could reach.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen: must be a loopback address (got %s)", address)
	}
	return net.Listen("tcp", address)
}
