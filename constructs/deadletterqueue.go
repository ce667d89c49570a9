package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// DeadLetterRetentionDays is how long SQS keeps a dead letter: 14 days is the most it can.
const DeadLetterRetentionDays = 14

// DeadLetterQueueProps configure a [DeadLetterQueue].
type DeadLetterQueueProps struct {
	Key    awskms.IKey
	Retain bool
}

// DeadLetterQueue holds one message a failed record, with the reason. Nothing consumes it but people and the replay
// command.
type DeadLetterQueue struct {
	constructs.Construct
	Queue awssqs.Queue
	key   awskms.IKey
}

// NewDeadLetterQueue makes the queue.
func NewDeadLetterQueue(scope constructs.Construct, id string, props DeadLetterQueueProps) *DeadLetterQueue {
	this := constructs.NewConstruct(scope, jsii.String(id))
	//accept:finding AwsSolutions-SQS3 on DeadLetters/Queue
	// because it is the dead-letter queue
	queue := awssqs.NewQueue(this, jsii.String("Queue"), &awssqs.QueueProps{
		Encryption:          awssqs.QueueEncryption_KMS,
		EncryptionMasterKey: props.Key,
		DataKeyReuse:        awscdk.Duration_Hours(jsii.Number(1)),
		EnforceSSL:          jsii.Bool(true),
		RetentionPeriod:     awscdk.Duration_Days(jsii.Number(DeadLetterRetentionDays)),
		VisibilityTimeout:   awscdk.Duration_Minutes(jsii.Number(5)),
		RemovalPolicy:       removal(props.Retain),
	})
	return &DeadLetterQueue{this, queue, props.Key}
}

// send lets a role send messages; SQS decrypts the data key it reuses, so Decrypt is needed to send.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
func (q *DeadLetterQueue) send() []statement {
	return []statement{
		{Actions: []string{"sqs:SendMessage"}, Resources: []string{*q.Queue.QueueArn()}},
		{
			Actions:    []string{"kms:Decrypt", "kms:GenerateDataKey"},
			Resources:  []string{*q.key.KeyArn()},
			Conditions: conditions{"StringEquals": {"kms:ViaService": regional("sqs")}},
		},
	}
}
