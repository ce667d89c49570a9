package loopback

import (
	"strings"
	"testing"
)

func TestListen(t *testing.T) {
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "localhost:0", "127.0.0.1", ""} {
		if _, err := Listen(address); err == nil ||
			!strings.HasPrefix(err.Error(), "listen: must be a loopback address and a port") {
			t.Errorf("%q: got %v", address, err)
		}
	}
}
