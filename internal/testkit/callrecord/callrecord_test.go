package callrecord

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.ndjson")
	t.Setenv(Variable, file)
	handler := Handler("Role", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	for _, signed := range []bool{true, false} {
		r := httptest.NewRequest(http.MethodPost, "/a%20b?x=1", strings.NewReader("Action=GetRole&RoleName=r"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if signed {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/iam/aws4_request, SignedHeaders=host")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if got := w.Body.String(); got != "Action=GetRole&RoleName=r" {
			t.Errorf("the handler must get the body (got %q)", got)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got Call
	if err := json.Unmarshal(text, &got); err != nil { // of two lines it would be an error
		t.Fatal(err)
	}
	if want := (Call{"Role", "iam", "POST", "/a b", "x=1", "GetRole"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNothingIsRecordedWithoutAFile(t *testing.T) {
	t.Setenv(Variable, "")
	next := http.NewServeMux()
	if Handler("Role", next) != http.Handler(next) {
		t.Error("must be the handler itself")
	}
}
