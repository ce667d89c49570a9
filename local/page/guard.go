package page

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"

	"firehose-pipeline/local/loopback"
)

// tokenHeader carries the page's token. A page of another origin cannot set it without asking (CORS), and is not
// answered.
const tokenHeader = "X-Page-Token"

// guard rejects requests that do not come from the page itself: with the Host of another machine (loopback.Guard), with
// the Origin of another page, or that a browser marks as another site's (Sec-Fetch-Site). No answer allows another
// origin anything.
func guard(next http.Handler) http.Handler {
	return loopback.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		if why := checkOrigin(r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func checkOrigin(r *http.Request) string {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "", "none", "same-origin":
	default:
		return fmt.Sprintf("Sec-Fetch-Site: must be none or same-origin (got %q)", site)
	}
	switch origins := r.Header.Values("Origin"); {
	case len(origins) > 1, len(origins) == 1 && !isSameOrigin(origins[0], r.Host):
		return fmt.Sprintf("Origin: must be the page's own (got %q)", origins)
	case len(origins) == 0 && r.Method != http.MethodGet && r.Method != http.MethodHead:
		return "Origin: must be set on a request that changes anything"
	}
	return ""
}

func isSameOrigin(origin, host string) bool {
	parsed, err := url.Parse(origin)
	return err == nil && parsed.Scheme == "http" && parsed.Host == host && parsed.Path == "" && parsed.User == nil
}

// withToken rejects requests without the token of this page.
func withToken(token string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(token)) != 1 {
			http.Error(w, tokenHeader+": must be the token of the page: load it again", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// livePolicy is the Content-Security-Policy of the served page: its own files and requests, and nothing else.
const livePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", livePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}
