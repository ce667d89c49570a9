package settings

import (
	"regexp"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Run("a short stack name is the domain's", func(t *testing.T) {
		s := Settings{ResourcePrefix: "clicks", Environment: Production}
		if s.StackName() != "clicks-production" || s.DomainName() != "clicks-production" {
			t.Errorf("got %s, %s", s.StackName(), s.DomainName())
		}
	})
	t.Run("28 characters need no hash", func(t *testing.T) {
		s := Settings{ResourcePrefix: "a23456789012345678901234", Environment: Dev}
		if got := s.DomainName(); got != s.StackName() || len(got) != 28 {
			t.Errorf("got %s", got)
		}
	})
	t.Run("the default name never changes", func(t *testing.T) {
		for environment, want := range map[string]string{
			Dev: "kinesis-firehose-dev-b042b4", Staging: "kinesis-fireh-staging-205231",
			Production: "kinesis-fi-production-e9ae74",
		} {
			s := Settings{ResourcePrefix: "kinesis-firehose-pipeline", Environment: environment}
			if got := s.DomainName(); got != want {
				t.Errorf("%s: got %s, want %s", environment, got, want)
			}
		}
	})
	t.Run("other stacks have other domains", func(t *testing.T) {
		a := Settings{ResourcePrefix: "kinesis-firehose-pipeline-a", Environment: Production}
		b := Settings{ResourcePrefix: "kinesis-firehose-pipeline-b", Environment: Production}
		if a.DomainName() == b.DomainName() {
			t.Errorf("both are %s", a.DomainName())
		}
	})
	t.Run("the longest function name fits", func(t *testing.T) {
		s := Settings{ResourcePrefix: strings.Repeat("a", maxPrefix), Environment: Production}
		if name := s.StackName() + longestSuffix; len(name) != 64 {
			t.Errorf("%s has %d characters", name, len(name))
		}
	})
}

var domainForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,26}[a-z0-9]$`)

func TestHelpers(t *testing.T) {
	dev, production := load1(t,
		`{}`), load1(t, `{"environment": "production", "dataFormat": "json", "openSearchIndexRotation": "NoRotation"}`)
	if !dev.Conversion() || production.Conversion() {
		t.Error("Conversion: parquet converts, json does not")
	}
	if dev.IndexPattern() != "realtime-events-2*" || production.IndexPattern() != "realtime-events" {
		t.Errorf("IndexPattern: got %s, %s", dev.IndexPattern(), production.IndexPattern())
	}
	if dev.Replicas() != 0 || production.Replicas() != 1 {
		t.Errorf("Replicas: got %d, %d", dev.Replicas(), production.Replicas())
	}
	if dev.PayloadLimitMiB() != 10 || production.PayloadLimitMiB() != 100 {
		t.Errorf("PayloadLimitMiB: got %d, %d", dev.PayloadLimitMiB(), production.PayloadLimitMiB())
	}
	if dev.Graviton() || !production.Graviton() {
		t.Error("Graviton: t3 is not, r6g is")
	}
	if !dev.Burstable() || production.Burstable() {
		t.Error("Burstable: t3 is, r6g is not")
	}
	if err := dev.Validate(); err != nil {
		t.Errorf("Validate: %v", err)
	}
	dev.OpenSearchZoneCount = 2
	if err := dev.Validate(); err == nil ||
		err.Error() != "openSearchZoneCount: 2 zones need an even number of data nodes (openSearchInstanceCount is 1)" {
		t.Errorf("Validate: got %v", err)
	}
}
