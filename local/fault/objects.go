package fault

import (
	"errors"
	"time"
)

var errSlowDown = errors.New("503 SlowDown: Please reduce your request rate. (fault s3-down)")

// RefuseObject returns S3's answer to an object stored at a time of the model, in a run that began at start.
func (f *Faults) RefuseObject(start, at time.Time) error {
	if !at.Before(start.Add(f.Window(S3Down))) {
		return nil
	}
	f.Fired(S3Down, 1)
	return errSlowDown
}
