// Package secretsmanager serves one secret on loopback as AWS Secrets Manager does: GetSecretValue, and nothing else.
// Signatures are not checked.
package secretsmanager
