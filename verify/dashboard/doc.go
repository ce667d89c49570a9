// Package dashboard draws a CloudWatch dashboard from its body, with sample series, for the project's pages: an image
// of what a template deploys, without an account.
package dashboard
