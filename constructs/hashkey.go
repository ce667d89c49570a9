package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/event"
	"firehose-pipeline/schema"
)

// hashKeyLength is the length of the generated key in characters, of 62 each: some 380 bits.
const hashKeyLength = 64

// HashKey is the secret with the key of fields that the event schema hashes (x-protect). Secrets Manager generates it.
// Another key gives other hashes, so it is never rotated and, with retainData, kept.
type HashKey struct {
	constructs.Construct
	Secret awssecretsmanager.CfnSecret
	key    awskms.Key
}

// newHashKey makes the secret when the schema hashes a field and there is a transform, else nil. A rule in Go that does
// not exist panics, like any other props that cannot be used.
func newHashKey(scope constructs.Construct, props PipelineProps, key *EncryptionKey) *HashKey {
	layout, err := event.Compile(props.Schema)
	if err != nil {
		panic(err.Error())
	}
	if layout.Protects() && !props.Settings.EnableDataTransformation {
		panic("enableDataTransformation: must be true, because the event schema protects fields (x-protect) and the " +
			"transform does that")
	}
	if !layout.NeedsKey() {
		return nil
	}
	this := constructs.NewConstruct(scope, jsii.String("HashKey"))
	secret := awssecretsmanager.NewCfnSecret(this, jsii.String("Secret"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("Key of hashed fields of events; another key gives other hashes"),
		KmsKeyId:    key.Key.KeyArn(),
		GenerateSecretString: &awssecretsmanager.CfnSecret_GenerateSecretStringProperty{
			PasswordLength:     jsii.Number(hashKeyLength),
			ExcludePunctuation: jsii.Bool(true),
		},
	})
	secret.ApplyRemovalPolicy(removal(props.Settings.RetainData), nil)
	return &HashKey{this, secret, key.Key}
}

// read lets a function read the secret.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
func (k *HashKey) read() []statement {
	return []statement{
		{Actions: []string{"secretsmanager:GetSecretValue"}, Resources: []string{*k.Secret.Ref()}},
		{
			Actions:    []string{"kms:Decrypt"},
			Resources:  []string{*k.key.KeyArn()},
			Conditions: conditions{"StringEquals": {"kms:ViaService": regional("secretsmanager")}},
		},
	}
}

// eventIDPointer is the JSON Pointer of the field that identifies an event, empty for none. A protected id does not go
// into dead letters.
func eventIDPointer(s *schema.Schema) string {
	if s.EventID == nil || s.EventID.Protect != schema.Unprotected {
		return ""
	}
	return s.EventID.Pointer
}
