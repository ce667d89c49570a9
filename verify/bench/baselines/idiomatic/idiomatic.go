package idiomatic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// Handler is a handler for lambda.Start.
type Handler struct {
	Lake           bool
	DropEventTypes []string
	Now            func() time.Time
}

var types = map[string]string{
	"event_id": "string", "user_id": "string", "event_type": "string", "amount": "double", "product_id": "string",
	"timestamp": "timestamp", "session_id": "string", "category_id": "bigint", "category_code": "string",
	"brand": "string",
}

var weights = map[string]float64{"event_id": 1, "event_type": 1, "timestamp": 1, "user_id": 0.5, "amount": 0.5,
	"product_id": 0.5}

const allWeights = 4.5

// Handle answers a batch.
func (h *Handler) Handle(_ context.Context, event events.KinesisFirehoseEvent) (events.KinesisFirehoseResponse, error) {
	now := h.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	var response events.KinesisFirehoseResponse
	for _, record := range event.Records {
		answer := events.KinesisFirehoseResponseRecord{RecordID: record.RecordID}
		data, err := h.transform(record.Data, now)
		switch {
		case err != nil:
			answer.Result = events.KinesisFirehoseTransformedStateProcessingFailed
		case len(data) == 0:
			answer.Result = events.KinesisFirehoseTransformedStateDropped
		default:
			answer.Result = events.KinesisFirehoseTransformedStateOk
			answer.Data = data
		}
		response.Records = append(response.Records, answer)
	}
	return response, nil
}

func (h *Handler) transform(record []byte, now string) ([]byte, error) {
	if !utf8.Valid(record) {
		return nil, errors.New("not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(record))
	decoder.UseNumber()
	var out []byte
	for objects := 0; ; objects++ {
		var event map[string]any
		if err := decoder.Decode(&event); err == io.EOF && objects > 0 {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if event == nil {
			return nil, errors.New("null is no object")
		}
		if objects > 0 && !h.Lake {
			return nil, errors.New("more than one object")
		}
		if !h.enrich(event, now) {
			continue
		}
		line, err := json.Marshal(event)
		if err != nil {
			return nil, err
		}
		out = append(out, line...)
		if h.Lake {
			out = append(out, '\n')
		}
	}
}

// enrich conforms the declared fields and adds those of the rules; false when the event is dropped.
func (h *Handler) enrich(event map[string]any, now string) bool {
	userID, userCame := event["user_id"]
	_, amountCame := event["amount"]
	_, typeCame := event["event_type"]

	malformed := map[string]any{}
	switch own := event["malformed"].(type) {
	case nil:
	case map[string]any:
		for key, value := range own {
			malformed[key] = value
			if value != nil {
				malformed[key] = asText(value)
			}
		}
	default:
		malformed["malformed"] = asText(own)
	}
	delete(event, "malformed")
	for name, kind := range types {
		value, came := event[name]
		if !came || value == nil {
			continue
		}
		if conformed, ok := conform(kind, value); ok {
			event[name] = conformed
		} else {
			malformed[name] = asText(value)
			delete(event, name)
		}
	}
	eventType, _ := event["event_type"].(string)
	if slices.Contains(h.DropEventTypes, eventType) {
		return false
	}

	delete(event, "user_category")
	delete(event, "amount_category")
	delete(event, "amount_tier")
	delete(event, "event_category")
	event["processed_timestamp"] = now
	event["processing_status"] = "SUCCESS"
	if len(malformed) > 0 {
		event["processing_status"] = "PARTIAL"
		event["malformed"] = malformed
	}
	if userCame {
		event["user_category"] = "registered"
		if isEmpty(userID) {
			event["user_category"] = "guest"
		}
	}
	if amountCame {
		category, tier := "unknown", "unknown"
		if number, ok := event["amount"].(json.Number); ok {
			amount, _ := number.Float64()
			category, tier = "low", "basic"
			if amount > 100 {
				category, tier = "high", "standard"
			}
			if amount > 500 {
				tier = "premium"
			}
		}
		event["amount_category"], event["amount_tier"] = category, tier
	}
	if typeCame {
		switch eventType {
		case "purchase", "add_to_cart", "remove_from_cart", "cart", "checkout":
			event["event_category"] = "commerce"
		case "view", "click", "scroll", "hover", "search":
			event["event_category"] = "engagement"
		default:
			event["event_category"] = "other"
		}
	}
	present := 0.0
	for name, weight := range weights {
		switch value := event[name].(type) {
		case nil:
		case string:
			if strings.TrimSpace(value) != "" {
				present += weight
			}
		default:
			present += weight
		}
	}
	event["data_quality_score"] = math.Round(100*100*present/allWeights) / 100
	return true
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// conform returns the value in its declared type; false when it can be neither kept nor converted.
func conform(kind string, value any) (any, bool) {
	switch kind {
	case "string":
		switch v := value.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		case bool:
			return strconv.FormatBool(v), true
		}
	case "double":
		text, ok := numberText(value, strings.TrimSpace)
		if !ok || !jsonNumber.MatchString(text) {
			return nil, false
		}
		_, err := strconv.ParseFloat(text, 64)
		return json.Number(text), err == nil
	case "bigint":
		text, ok := numberText(value, func(s string) string { return s })
		if !ok || !jsonNumber.MatchString(text) {
			return nil, false
		}
		_, err := strconv.ParseInt(text, 10, 64)
		return json.Number(text), err == nil
	case "timestamp":
		text, ok := value.(string)
		if !ok {
			return nil, false
		}
		_, err := time.Parse(time.RFC3339, text)
		return text, err == nil
	}
	return nil, false
}

func numberText(value any, trim func(string) string) (string, bool) {
	switch v := value.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return trim(v), true
	}
	return "", false
}

func isEmpty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func asText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	return string(text)
}
