package s3

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// The events of [ObjectCreated], as in a notification: without the "s3:" of the configuration.
const (
	eventPut       = "ObjectCreated:Put"
	eventCopy      = "ObjectCreated:Copy"
	eventMultipart = "ObjectCreated:CompleteMultipartUpload"
)

// ObjectCreated describes a new object, or a new version of one.
type ObjectCreated struct {
	Event     string // ObjectCreated:Put, ObjectCreated:Copy, ObjectCreated:CompleteMultipartUpload
	Bucket    string
	Key       string // as it is, not URL-encoded
	Size      int64
	ETag      string // without quotes
	VersionID string // empty in a bucket without versions
	Sequencer string // orders the events of one key: hexadecimal, the same length for all
	Time      time.Time
}

// Notification returns the event that S3 sends to a function for these objects: one record for each.
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html.
func Notification(region, configurationID string, objects ...ObjectCreated) []byte {
	type identity struct {
		PrincipalID string `json:"principalId"`
	}
	type bucket struct {
		Name          string   `json:"name"`
		OwnerIdentity identity `json:"ownerIdentity"`
		ARN           string   `json:"arn"`
	}
	type object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"eTag"`
		VersionID string `json:"versionId,omitempty"`
		Sequencer string `json:"sequencer"`
	}
	type entity struct {
		SchemaVersion   string `json:"s3SchemaVersion"`
		ConfigurationID string `json:"configurationId"`
		Bucket          bucket `json:"bucket"`
		Object          object `json:"object"`
	}
	type record struct {
		EventVersion      string            `json:"eventVersion"`
		EventSource       string            `json:"eventSource"`
		AWSRegion         string            `json:"awsRegion"`
		EventTime         string            `json:"eventTime"`
		EventName         string            `json:"eventName"`
		UserIdentity      identity          `json:"userIdentity"`
		RequestParameters map[string]string `json:"requestParameters"`
		ResponseElements  map[string]string `json:"responseElements"`
		S3                entity            `json:"s3"`
	}
	var event struct {
		Records []record `json:"Records"`
	}
	for _, o := range objects {
		event.Records = append(event.Records, record{
			EventVersion:      "2.1",
			EventSource:       "aws:s3",
			AWSRegion:         region,
			EventTime:         o.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
			EventName:         o.Event,
			UserIdentity:      identity{"AWS:LOCAL"},
			RequestParameters: map[string]string{"sourceIPAddress": "127.0.0.1"},
			ResponseElements:  map[string]string{"x-amz-request-id": o.Sequencer, "x-amz-id-2": o.Sequencer},
			S3: entity{
				SchemaVersion:   "1.0",
				ConfigurationID: configurationID,
				Bucket:          bucket{o.Bucket, identity{"LOCAL"}, "arn:aws:s3:::" + o.Bucket},
				Object:          object{encodeKey(o.Key), o.Size, o.ETag, o.VersionID, o.Sequencer},
			},
		})
	}
	out, err := json.Marshal(event)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return out
}

// encodeKey encodes as S3 does in notifications: "+" for a space, "/" as it is.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
