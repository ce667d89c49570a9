// Package eventid finds the event_id of a record that is broken.
package eventid
