// Package settings reads the pipeline's settings, once, from the CDK context and the environment, and checks them
// before the CDK is touched.
package settings
