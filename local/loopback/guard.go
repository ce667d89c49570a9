package loopback

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Guard rejects requests that name another host than this machine, with 403. Else a web page could read the data that
// the endpoint serves: by DNS rebinding its own name leads to loopback, and its requests, of one origin then, come
// without an Origin header. The Host header still has the page's name. Accepted are localhost and the addresses of
// loopback, with any port.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLoopback(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		writeForbidden(w, r, fmt.Sprintf("Host: must be localhost or a loopback address such as 127.0.0.1 (got %q)",
			r.Host))
	})
}

func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// writeForbidden answers as the services do, so that their clients show the reason: in JSON to a request in the JSON
// protocol, else in XML.
func writeForbidden(w http.ResponseWriter, r *http.Request, message string) {
	if r.Header.Get("X-Amz-Target") != "" {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusForbidden)
		answer := map[string]string{"__type": "AccessDeniedException", "message": message}
		_ = json.NewEncoder(w).Encode(answer) // the client may have gone
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	_ = xml.NewEncoder(w).Encode(struct { // the client may have gone
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: "AccessDenied", Message: message})
}
