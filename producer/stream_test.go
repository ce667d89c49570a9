package producer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/smithy-go"
)

func TestStream(t *testing.T) {
	ctx := t.Context()
	t.Run("only what failed is sent again", func(t *testing.T) {
		f := &fake{record: func(call int, data string) string {
			if call == 1 && data != "a" {
				return "ServiceUnavailableException"
			}
			if call == 2 && data == "c" {
				return "InternalFailure"
			}
			return ""
		}}
		s := f.stream("lake")
		if _, err := s.Put(ctx, bytesOf("a", "b", "c", "d")); err != nil {
			t.Fatal(err)
		}
		if want := []string{"a", "b", "d", "c"}; !slices.Equal(f.taken, want) {
			t.Errorf("took %q, want %q", f.taken, want)
		}
		if want := []int{4, 3, 1}; !slices.Equal(f.sizes, want) {
			t.Errorf("calls of %v records, want %v", f.sizes, want)
		}
		if got, want := s.Counts(), (Counts{Records: 4, Bytes: 4, Billed: 4 * 5120, Calls: 3, Throttled: 2,
			Resent: 4}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	t.Run("a call that is throttled as a whole is made again, and told when it goes on", func(t *testing.T) {
		var s *Stream
		f := &fake{call: func(_ context.Context, call int) error {
			if call < 4 {
				_ = s.clock.Pause(t.Context(), 6*time.Second) // of the test's own clock
				return slowDown
			}
			return nil
		}}
		s = f.stream("lake")
		told := 0
		s.OnStall = func(error) { told++ }
		if _, err := s.Put(ctx, bytesOf("a")); err != nil {
			t.Fatal(err)
		}
		if got := s.Counts(); got.Calls != 4 || got.Throttled != 3 || got.Records != 1 || got.Unanswered != 0 {
			t.Errorf("got %+v", got)
		}
		if told != 1 {
			t.Errorf("told of trouble %d times, want once", told)
		}
	})
	t.Run("pauses grow and are anywhere below the bound", func(t *testing.T) {
		for n, bound := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond} {
			for range 100 {
				if d := backoff.Pause(n); d < 0 || d >= bound {
					t.Fatalf("pause %v before try %d, want below %v", d, n+1, bound)
				}
			}
		}
		if d := backoff.Pause(60); d >= 10*time.Second {
			t.Errorf("pause %v, want below 10s", d)
		}
	})
	t.Run("a stream that takes nothing for its patience fails", func(t *testing.T) {
		f := &fake{call: func(context.Context, int) error { return slowDown }}
		s := f.stream("lake")
		_, err := s.Put(ctx, bytesOf("a"))
		var some *NotAcceptedError
		if err == nil || errors.As(err, &some) || !strings.Contains(err.Error(),
			"putting to lake: no record accepted for 5m0s: ") ||
			!errors.As(err, new(*types.ServiceUnavailableException)) {
			t.Errorf("got %v", err)
		}
		if waited := s.now().Sub(time.Unix(1_800_000_000, 0)); waited < Patience || waited > Patience+10*time.Second {
			t.Errorf("gave up after %v", waited)
		}
	})
	t.Run("a response with results for fewer records fails: nobody knows which records it accepts", func(t *testing.T) {
		f := &shortResponses{}
		s := f.stream("lake")
		s.Client = f
		answer, err := s.Put(ctx, bytesOf("a", "b"))
		if err == nil || err.Error() != "putting to lake: the stream returned results for 1 records of 2" ||
			!slices.Equal(answer.Accepted, []bool{false, false}) || f.calls != 1 {
			t.Errorf("got %v, %v in %d calls", answer.Accepted, err, f.calls)
		}
	})
	t.Run("a record that is never taken while others are is named", func(t *testing.T) {
		f := &fake{}
		s := f.stream("lake")
		f.record = func(_ int, data string) string {
			if data == "poison" {
				s.noteAccepted() // as another batch does
				return "InternalFailure"
			}
			return ""
		}
		answer, err := s.Put(ctx, bytesOf("a", "poison", "b"))
		var some *NotAcceptedError
		if !errors.As(err, &some) || !slices.Equal(some.Records, []int{1}) ||
			!strings.Contains(err.Error(), "InternalFailure") {
			t.Errorf("got %v", err)
		}
		if !slices.Equal(answer.Accepted, []bool{true, false, true}) || !slices.Equal(f.taken, []string{"a", "b"}) {
			t.Errorf("took %v", f.taken)
		}
	})
	t.Run("progress starts the patience anew", func(t *testing.T) {
		f := &fake{}
		s := f.stream("lake")
		slow := s.clock.(*fakeClock)
		f.record = func(call int, data string) string { // one record every four minutes
			if data == fmt.Sprint(call) {
				return ""
			}
			_ = slow.Pause(ctx, 4*time.Minute)
			return "ServiceUnavailableException"
		}
		f.call = func(context.Context, int) error { return nil }
		if _, err := s.Put(ctx, bytesOf("1", "2")); err != nil {
			t.Error(err)
		}
	})
	for _, code := range []string{"ResourceNotFoundException", "InvalidArgumentException", "AccessDeniedException",
		"InvalidKMSResourceException"} {
		t.Run("not sent again: "+code, func(t *testing.T) {
			f := &fake{call: func(context.Context, int) error {
				return &smithy.GenericAPIError{Code: code, Message: "no", Fault: smithy.FaultClient}
			}}
			s := f.stream("lake")
			if _, err := s.Put(ctx, bytesOf("a")); err == nil || !strings.Contains(err.Error(), code) {
				t.Errorf("got %v", err)
			}
			if f.calls != 1 || s.Counts().Throttled != 0 {
				t.Errorf("%d calls, %+v", f.calls, s.Counts())
			}
		})
	}
	t.Run("a call without an answer is made again and counted as possibly twice", func(t *testing.T) {
		f := &fake{call: func(_ context.Context, call int) error {
			if call == 1 {
				return &smithy.OperationError{ServiceID: "Firehose", OperationName: "PutRecordBatch",
					Err: errors.New("read: connection reset by peer")}
			}
			return nil
		}}
		s := f.stream("lake")
		if _, err := s.Put(ctx, bytesOf("a", "b")); err != nil {
			t.Fatal(err)
		}
		if got := s.Counts(); got.Unanswered != 2 || got.Records != 2 || got.Throttled != 0 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a call that is never answered is made again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{call: func(ctx context.Context, call int) error {
				if call > 1 {
					return nil
				}
				<-ctx.Done()
				return &smithy.CanceledError{Err: ctx.Err()} // as the SDK says it
			}}
			s := f.stream("lake")
			if _, err := s.Put(t.Context(), bytesOf("a")); err != nil {
				t.Fatal(err)
			}
			if got := s.Counts(); got.Unanswered != 1 || got.Records != 1 || got.Calls != 2 {
				t.Errorf("got %+v", got)
			}
		})
	})
	t.Run("an interruption ends the pauses", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		f := &fake{call: func(_ context.Context, call int) error {
			if call == 3 {
				cancel()
			}
			return slowDown
		}}
		if _, err := f.stream("lake").Put(ctx, bytesOf("a")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
