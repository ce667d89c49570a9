package constructs

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// AlarmTopicProps configure an [AlarmTopic].
type AlarmTopicProps struct {
	StackName string
	Key       awskms.IKey
	Title     string // sender's name in an e-mail
	Email     string // empty: nobody is subscribed
}

// AlarmTopic is where the alarms of one severity go. An e-mail subscription has to be confirmed by its reader.
type AlarmTopic struct {
	constructs.Construct
	Topic awssns.Topic
}

// NewAlarmTopic makes the topic.
func NewAlarmTopic(scope constructs.Construct, id string, props AlarmTopicProps) *AlarmTopic {
	this := constructs.NewConstruct(scope, jsii.String(id))
	topic := awssns.NewTopic(this, jsii.String("Topic"), &awssns.TopicProps{
		DisplayName: jsii.String(props.Title),
		MasterKey:   props.Key,
		EnforceSSL:  jsii.Bool(true),
	})
	topic.AddToResourcePolicy(statement{
		Principals: []awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    []string{"sns:Publish"},
		Resources:  []string{*topic.TopicArn()},
		Conditions: alarmsOf(props.StackName),
	}.build())
	if props.Email != "" {
		awssns.NewCfnSubscription(this, jsii.String("Email"), &awssns.CfnSubscriptionProps{
			TopicArn: topic.TopicArn(),
			Protocol: jsii.String("email"),
			Endpoint: jsii.String(props.Email),
		})
	}
	return &AlarmTopic{this, topic}
}
