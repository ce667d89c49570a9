package trace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// hourlyFolder has an object for each of the hours of a day, and one without an hour.
func hourlyFolder(t *testing.T) Folder {
	t.Helper()
	dir := t.TempDir()
	for hour := range 24 {
		path := filepath.Join(dir, "p", "year=2026", "month=01", "day=31", fmt.Sprintf("hour=%02d", hour), "o")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte{byte(hour)},
			0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return Folder(dir)
}

func TestScanReadsTheHoursOfTheWindow(t *testing.T) {
	for name, c := range map[string]struct {
		window      Window
		most        int64
		first, last int
		complete    bool
	}{
		"all":    {Window{}, 0, 0, 23, true},
		"since":  {Window{Since: noon}, 0, 11, 23, true}, // one that began before noon may have it
		"until":  {Window{Until: noon.Add(time.Minute)}, 0, 0, 12, true},
		"both":   {Window{Since: noon.Add(30 * time.Minute), Until: noon.Add(time.Hour)}, 0, 12, 13, true},
		"newest": {Window{}, 3, 21, 23, false},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var read []string
			bucket := hourlyFolder(t)
			s := scan{bucket: bucket, maxObjects: c.most, read: func(_ context.Context, _ *Query, key string, _ int64) ([]Hit,
				error) {
				mu.Lock()
				defer mu.Unlock()
				read = append(read, key)
				return []Hit{{Object: key}}, nil
			}}
			p := Place{}
			if err := s.run(t.Context(), &Query{Window: c.window}, &p, "p/"); err != nil {
				t.Fatal(err)
			}
			slices.Sort(read)
			n := c.last - c.first + 1
			hour := func(h int) string { return fmt.Sprintf("p/year=2026/month=01/day=31/hour=%02d/o", h) }
			if len(read) != n || read[0] != hour(c.first) || read[n-1] != hour(c.last) || p.Complete != c.complete ||
				(p.Why == "") != c.complete || int(p.Looked) != n || len(p.Hits)+int(p.MoreHits) != n {
				t.Errorf("got %v, %+v", read, p)
			}
		})
	}
}

func TestScanEndsAtAnError(t *testing.T) {
	s := scan{bucket: hourlyFolder(t), read: func(_ context.Context, _ *Query, key string, _ int64) ([]Hit, error) {
		if filepath.Base(filepath.Dir(key)) == "hour=20" {
			return nil, errors.New("broken")
		}
		return nil, os.ErrNotExist // deleted since it was listed
	}}
	p := Place{}
	if err := s.run(t.Context(), &Query{}, &p, "p/"); err == nil || err.Error() != "broken" {
		t.Errorf("got %v", err)
	}
}
