package loopback

import (
	"fmt"
	"net"
)

// Listen listens on a TCP address such as 127.0.0.1:0, and rejects addresses that other machines could reach.
func Listen(address string) (net.Listener, error) {
	if err := CheckAddress(address); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return net.Listen("tcp", address)
}

// CheckAddress rejects addresses that other machines could reach.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
			return nil
		}
	}
	return fmt.Errorf("must be a loopback address and a port, such as 127.0.0.1:4573 (got %q)", address)
}
