package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"firehose-pipeline/internal/clock"
	"firehose-pipeline/internal/sigv4"
)

// secretTimeout bounds the reading at the start, with its retries; Lambda gives init 10 seconds.
const secretTimeout = 8 * time.Second

// secretCallTimeout bounds one call, so that a connection on which nothing comes leaves time for another.
var secretCallTimeout = 2500 * time.Millisecond

// maxSecretAnswer bounds the answer in bytes: a secret has at most 64 KiB, a JSON string at most six times that.
const maxSecretAnswer = 512 << 10

// readSecret returns the text of a secret of AWS Secrets Manager. The SDK's client for it would double the time of
// init, so the one call is made with the SDK's signer alone. The error never has the secret in it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func readSecret(ctx context.Context, arn string, getenv func(string) string) ([]byte, error) {
	region := getenv("AWS_REGION")
	if arn == "" || region == "" {
		return nil, fmt.Errorf("HASH_SECRET_ARN, AWS_REGION: must be set, because the event schema hashes a field "+
			"(got %q, %q)", arn, region)
	}
	ctx, cancel := context.WithTimeout(ctx, secretTimeout)
	defer cancel()
	endpoint := getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER")
	if endpoint == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			domain = "amazonaws.com.cn"
		}
		endpoint = "https://secretsmanager." + region + "." + domain
	}
	body, err := json.Marshal(map[string]string{"SecretId": arn})
	if err != nil {
		return nil, fmt.Errorf("reading secret: %w", err)
	}
	for attempt := 0; ; attempt++ {
		text, again, err := getSecretValue(ctx, endpoint, region, body, getenv)
		if err == nil || !again || clock.Pause(ctx, secretPause.Pause(attempt)) != nil {
			return text, err
		}
	}
}

// secretPause is between tries to read the secret.
var secretPause = clock.Backoff{First: 200 * time.Millisecond, Max: 2 * time.Second, AtLeastHalf: true}

// isErrorType reports whether the text is an error's type: the name of a shape, now and then behind its namespace.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
func isErrorType(text string) bool {
	const accepted = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.#"
	return len(text) <= 100 && strings.Trim(text, accepted) == ""
}

// getSecretValue makes one call. again: the failure may pass.
func getSecretValue(ctx context.Context, endpoint, region string, body []byte, getenv func(string) string) (text []byte,
	again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, secretCallTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, false, fmt.Errorf("reading secret: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN")}, nil
	})
	if err := sigv4.New(credentials, "secretsmanager", region, time.Now)(ctx, request, body); err != nil {
		return nil, false, fmt.Errorf("reading secret: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, true, fmt.Errorf("reading secret: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxSecretAnswer))
	if err != nil {
		return nil, true, fmt.Errorf("reading secret: %w", err)
	}
	var fields struct {
		SecretString *string
		Type         string `json:"__type"`
	}
	err = json.Unmarshal(answer, &fields)
	switch {
	case response.StatusCode != http.StatusOK:
		throttled := strings.Contains(fields.Type, "Throttling") || response.StatusCode == http.StatusTooManyRequests
		if !isErrorType(fields.Type) { // not of AWS: it may be anything
			fields.Type = ""
		}
		return nil, throttled || response.StatusCode >= 500,
			fmt.Errorf("reading secret: status %d %s", response.StatusCode, fields.Type)
	case err != nil || fields.SecretString == nil:
		return nil, false, fmt.Errorf("reading secret: the answer has no SecretString")
	}
	return []byte(*fields.SecretString), false, nil
}
