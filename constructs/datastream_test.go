package constructs_test

import (
	"strings"
	"testing"

	"firehose-pipeline/settings"
)

// One data stream feeds every delivery stream, by their own roles; encryption is the data stream's, because Firehose
// encrypts only records that producers put to it.
func TestDataStreamFeedsTheDeliveryStreams(t *testing.T) {
	everyVariant(t, func(t *testing.T, config settings.Settings, template *template) {
		streams := template.of("AWS::Kinesis::Stream")
		if !config.FromKinesis() {
			if len(streams) > 0 {
				t.Errorf("AWS::Kinesis::Stream: must not be there with ingestion direct (got %d)", len(streams))
			}
			for _, stream := range template.of(firehose) {
				want(t, stream.Properties, "DeliveryStreamType", "DirectPut")
				want(t, stream.Properties, "DeliveryStreamEncryptionConfigurationInput.KeyType", "AWS_OWNED_CMK")
				wantAbsent(t, stream.Properties, "KinesisStreamSourceConfiguration")
			}
			return
		}
		id, data := template.one(t, "AWS::Kinesis::Stream", "DataStream")
		want(t, data.Properties, "StreamModeDetails.StreamMode", "ON_DEMAND")
		want(t, data.Properties, "StreamEncryption.EncryptionType", "KMS")
		want(t, data.Properties, "MaxRecordSizeInKiB", 1024)
		want(t, data.Properties, "RetentionPeriodHours", config.KinesisRetentionHours)
		wantAbsent(t, data.Properties, "Name") // a replaced stream must not meet its own name
		policy := "Delete"
		if config.RetainData {
			policy = "RetainExceptOnCreate"
		}
		if data.DeletionPolicy != policy {
			t.Errorf("%s: DeletionPolicy must be %s (got %s)", id, policy, data.DeletionPolicy)
		}
		for name, stream := range template.of(firehose) {
			want(t, stream.Properties, "DeliveryStreamType", "KinesisStreamAsSource")
			wantAbsent(t, stream.Properties, "DeliveryStreamEncryptionConfigurationInput")
			want(t, stream.Properties, "KinesisStreamSourceConfiguration.KinesisStreamARN.Fn::GetAtt.0", id)
			if !strings.Contains(name, "FromKinesis") {
				t.Errorf("%s: its id must carry the source, which no stream can change", name)
			}
			if !template.needs(name)[id] {
				t.Errorf("%s: must come after %s: on destroy reading ends before the data stream goes", name, id)
			}
		}
	})
}

// Roles use the key through Kinesis, and for this stream only; nobody but the delivery streams reads it.
func TestDataStreamRights(t *testing.T) {
	reads := map[string]bool{}
	for _, s := range statements(t, synth(t, variants["ingestion kinesis"])) {
		for _, action := range s.actions {
			switch {
			case strings.HasPrefix(action, "kinesis:Get"):
				reads[s.owner] = true
			case strings.HasPrefix(action, "firehose:Put"):
				t.Errorf("%s: %s: a stream with a Kinesis source rejects puts", s.owner, action)
			case strings.HasPrefix(action, "kinesis:") && !strings.HasPrefix(s.owner, "Producers"):
				if !strings.Contains(s.owner, "Role") {
					t.Errorf("%s: %s: only delivery streams and producers use the data stream", s.owner, action)
				}
			}
		}
		if strings.Contains(s.conditions, "aws:kinesis:arn") && !strings.Contains(s.conditions, "kms:ViaService") {
			t.Errorf("%s: must use the key through Kinesis only (got %s)", s.owner, s.conditions)
		}
	}
	if len(reads) != 2 {
		t.Errorf("readers: must be the roles of two delivery streams (got %v)", reads)
	}
}

// A stream with a Kinesis source has no metrics of puts, and the alarms on its reading take their place.
func TestAlarmsOfADataStream(t *testing.T) {
	for variant, search := range map[string]bool{"ingestion kinesis": true, "ingestion kinesis, no search": false} {
		names := map[string]bool{}
		for _, alarm := range synth(t, variants[variant]).of("AWS::CloudWatch::Alarm") {
			name := strings.TrimPrefix(alarm.Properties["AlarmName"].(string), "kinesis-firehose-pipeline-dev-")
			names[name] = true
			if strings.HasSuffix(name, "-near-limit") || name == "lake-throttled" || name == "search-throttled" {
				t.Errorf("%s: %s: has no metric with a Kinesis source", variant, name)
			}
		}
		for name, wanted := range map[string]bool{
			"data-stream-write-throttled": true, "data-stream-read-throttled": true,
			"lake-reading-behind": true, "lake-reading-expiring": true, "lake-reading-throttled": true,
			"search-reading-behind": search, "search-reading-expiring": search, "search-reading-throttled": search,
		} {
			if names[name] != wanted {
				t.Errorf("%s: alarm %s: must be %t (got %t)", variant, name, wanted, names[name])
			}
		}
	}
}
