package constructs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"firehose-pipeline/frontdoor"
	"firehose-pipeline/schema"
)

// FrontDoorProps configure a [FrontDoor].
type FrontDoorProps struct {
	StackName string
	Schema    *schema.Schema
	Stream    FrontDoorStream
	Rate      int      // requests a second
	Burst     int      // requests
	Keys      []string // names of API keys; none: requests need no key
	Logs      Logs
}

// FrontDoorStream is the stream that the front door puts events to.
type FrontDoorStream struct {
	Service frontdoor.Service
	Name    *string
	put     []statement // that the front door's role needs, and nothing more
}

// chooseFrontDoorStream returns the stream that takes an event once for every store: the data stream, or the lake
// stream when the lake is the only store.
func chooseFrontDoorStream(p *Pipeline) FrontDoorStream {
	if d := p.DataStream; d != nil {
		return FrontDoorStream{frontdoor.Kinesis, d.Name(), []statement{
			{Actions: []string{"kinesis:PutRecords"}, Resources: []string{*d.Resource.AttrArn()}},
			d.useKey("kms:GenerateDataKey"),
		}}
	}
	lake := p.Streams[0]
	return FrontDoorStream{frontdoor.Firehose, lake.Name(), []statement{
		{Actions: []string{"firehose:PutRecordBatch"}, Resources: []string{*lake.Resource.AttrArn()}},
	}}
}

// FrontDoor is a REST API that puts events to a stream without a function in between: POST /v1/events. docs/api.md
// describes it.
type FrontDoor struct {
	constructs.Construct
	API  awsapigateway.RestApi
	Keys []awsapigateway.IApiKey
}

// TLS 1.3 only, and the name in the TLS handshake must be the API's own.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-security-policies.html
const (
	tlsPolicy  = "SecurityPolicy_TLS13_1_3_2025_09"
	accessMode = "STRICT"
)

// accessLog is what the access log has of a request: who, when, how it ended, and nothing of its body. The message of
// an integration error is left out, because a service may repeat parts of the request in it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
var accessLog = map[string]string{
	"requestId":         "$context.requestId",
	"time":              "$context.requestTime",
	"status":            "$context.status",
	"method":            "$context.httpMethod",
	"path":              "$context.resourcePath",
	"responseBytes":     "$context.responseLength",
	"latencyMs":         "$context.responseLatency",
	"integrationStatus": "$context.integration.status",
	"integrationMs":     "$context.integration.latency",
	"errorType":         "$context.error.responseType",
	"caller":            "$context.identity.userArn",
	"apiKeyId":          "$context.identity.apiKeyId",
	"sourceIp":          "$context.identity.sourceIp",
	"tlsVersion":        "$context.tlsVersion",
}

// NewFrontDoor makes the API.
func NewFrontDoor(scope constructs.Construct, id string, props FrontDoorProps) *FrontDoor {
	this := constructs.NewConstruct(scope, jsii.String(id))
	// API Gateway writes access logs as one role of the account and region, which the CDK's account resource names. It
	// stays when the stack goes: other APIs may write with it.
	//accept:finding AwsSolutions-APIG3,APIGWAssociatedWithWAF on FrontDoor/Api/DeploymentStage.v1
	// because a web application firewall is the account's choice; requests are signed and throttled
	//accept:finding AwsSolutions-APIG6,APIGWExecutionLoggingEnabled on FrontDoor/Api/DeploymentStage.v1
	// because execution logs have the bodies of requests; the access log has the rest
	//accept:finding APIGWCacheEnabledAndEncrypted,CKV_AWS_120 on FrontDoor/Api/DeploymentStage.v1
	// because there is nothing to cache: every request puts events
	//accept:finding APIGWSSLEnabled on FrontDoor/Api/DeploymentStage.v1
	// because a client certificate is for servers of one's own behind the API; AWS's services check the signature of
	// its role
	//accept:finding APIGWXrayEnabled,CKV_AWS_73 on FrontDoor/Api/DeploymentStage.v1
	// because a trace would end at the stream, which passes none on
	//accept:finding AwsSolutions-IAM4 on FrontDoor/Api/CloudWatchRole
	// because API Gateway logs as one role of the account and region, and tests that it has the rights of AWS's own
	// policy
	api := awsapigateway.NewRestApi(this, jsii.String("Api"), &awsapigateway.RestApiProps{
		RestApiName:                 jsii.String(props.StackName),
		Description:                 jsii.String("Front door of the event pipeline " + props.StackName),
		EndpointTypes:               &[]awsapigateway.EndpointType{awsapigateway.EndpointType_REGIONAL},
		CloudWatchRole:              jsii.Bool(true),
		CloudWatchRoleRemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		DeployOptions: &awsapigateway.StageOptions{
			StageName: jsii.String(frontdoor.Stage),
			AccessLogDestination: awsapigateway.NewLogGroupLogDestination(
				newLogGroup(this, "AccessLog", "/aws/apigateway/"+props.StackName+"-access", props.Logs)),
			AccessLogFormat:      awsapigateway.AccessLogFormat_Custom(jsii.String(encodeJSON(accessLog))),
			LoggingLevel:         awsapigateway.MethodLoggingLevel_OFF, // execution logs have bodies
			DataTraceEnabled:     jsii.Bool(false),
			ThrottlingRateLimit:  jsii.Number(props.Rate),
			ThrottlingBurstLimit: jsii.Number(props.Burst),
		},
	})
	api.Node().TryRemoveChild(jsii.String("Endpoint")) // the CDK's own output
	resource := api.Node().DefaultChild().(awsapigateway.CfnRestApi)
	resource.SetSecurityPolicy(jsii.String(tlsPolicy))
	resource.SetEndpointAccessMode(jsii.String(accessMode))
	for _, r := range frontdoor.GatewayResponses {
		headers := map[string]*string{}
		if r.RetryAfter {
			headers["Retry-After"] = jsii.String(retryAfter())
		}
		api.AddGatewayResponse(jsii.String(r.Type), &awsapigateway.GatewayResponseOptions{
			Type:            awsapigateway.ResponseType_Of(jsii.String(r.Type)),
			StatusCode:      jsii.String(strconv.Itoa(r.Status)),
			ResponseHeaders: &headers,
			Templates:       &map[string]*string{frontdoor.JSON: jsii.String(r.Template)},
		})
	}
	f := &FrontDoor{Construct: this, API: api}
	f.addMethod(props)
	f.addKeys(props)
	return f
}

// retryAfter is the value of the header as a constant of a mapping, in single quotes.
func retryAfter() string { return fmt.Sprintf("'%d'", frontdoor.RetryAfterSeconds) }

// addMethod adds the one method, its model and its integration.
func (f *FrontDoor) addMethod(props FrontDoorProps) {
	model := frontdoor.BuildModel(props.Schema)
	made := awsapigateway.NewCfnModel(f.Construct, jsii.String("Event"), &awsapigateway.CfnModelProps{
		RestApiId:   f.API.RestApiId(),
		ContentType: jsii.String(frontdoor.JSON),
		Description: jsii.String("Event of the schema: its required members"),
		Schema:      model,
	})
	role := newServiceRole(f.Construct, "Role", "Puts the events of the front door of "+props.StackName+" to its stream",
		awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		map[string][]statement{"put": props.Stream.put})
	templates := props.Stream.Service.ReadTemplates(*props.Stream.Name)
	requests := map[string]*string{}
	for contentType, text := range templates.Requests {
		requests[contentType] = jsii.String(text)
	}
	const header = "method.response.header.Retry-After"
	//accept:finding AwsSolutions-COG4 on FrontDoor/Api/Default/events/POST
	// because requests are signed with IAM credentials
	method := f.API.Root().AddResource(jsii.String(frontdoor.Resource), nil).AddMethod(jsii.String("POST"),
		awsapigateway.NewAwsIntegration(&awsapigateway.AwsIntegrationProps{
			Service:               jsii.String(props.Stream.Service.Name),
			Action:                jsii.String(props.Stream.Service.Action),
			IntegrationHttpMethod: jsii.String("POST"),
			Options: &awsapigateway.IntegrationOptions{
				CredentialsRole:     role,
				PassthroughBehavior: awsapigateway.PassthroughBehavior_NEVER, // another content type: 415
				RequestParameters: &map[string]*string{
					"integration.request.header.Content-Type": jsii.String("'application/x-amz-json-1.1'"),
				},
				RequestTemplates: &requests,
				IntegrationResponses: &[]*awsapigateway.IntegrationResponse{
					mapResponse("200", "", templates.Accepted, nil),
					mapResponse("400", `4\d{2}`, templates.Rejected, nil),
					mapResponse("503", `5\d{2}`, templates.Failed, &map[string]*string{header: jsii.String(retryAfter())}),
				},
			},
		}),
		&awsapigateway.MethodOptions{
			OperationName:     jsii.String("PutEvents"),
			AuthorizationType: awsapigateway.AuthorizationType_IAM,
			ApiKeyRequired:    jsii.Bool(len(props.Keys) > 0),
			RequestModels: &map[string]awsapigateway.IModel{
				frontdoor.JSON: awsapigateway.Model_FromModelName(f.Construct, jsii.String("EventModel"), made.Ref()),
			},
			RequestValidatorOptions: &awsapigateway.RequestValidatorOptions{
				ValidateRequestBody: jsii.Bool(true), ValidateRequestParameters: jsii.Bool(true)},
			MethodResponses: methodResponses("200", "207", "400", "413", "429", "500", "503"),
		})
	method.Node().AddDependency(made)
	// A deployment is a copy of the API: another text makes another deployment. The CDK sees the method, not the model.
	f.API.LatestDeployment().AddToLogicalId(encodeJSON(model))
}

func mapResponse(status, pattern, template string, headers *map[string]*string) *awsapigateway.IntegrationResponse {
	r := &awsapigateway.IntegrationResponse{
		StatusCode:         jsii.String(status),
		ResponseParameters: headers,
		ResponseTemplates:  &map[string]*string{frontdoor.JSON: jsii.String(template)},
	}
	if pattern != "" {
		r.SelectionPattern = jsii.String(pattern)
	}
	return r
}

// methodResponses declares the statuses that the templates set, each with the header that some of them have.
func methodResponses(statuses ...string) *[]*awsapigateway.MethodResponse {
	var responses []*awsapigateway.MethodResponse
	for _, status := range statuses {
		responses = append(responses, &awsapigateway.MethodResponse{
			StatusCode:         jsii.String(status),
			ResponseParameters: &map[string]*bool{"method.response.header.Retry-After": jsii.Bool(false)},
		})
	}
	return &responses
}

// addKeys makes an API key for each name, and the usage plan that lets them in. A key says which client sends and
// limits it by itself; it is no authentication, so requests are signed in any case.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
func (f *FrontDoor) addKeys(props FrontDoorProps) {
	if len(props.Keys) == 0 {
		return
	}
	plan := f.API.AddUsagePlan(jsii.String("Plan"), &awsapigateway.UsagePlanProps{
		Name: jsii.String(props.StackName),
		Throttle: &awsapigateway.ThrottleSettings{
			RateLimit: jsii.Number(props.Rate), BurstLimit: jsii.Number(props.Burst)},
		ApiStages: &[]*awsapigateway.UsagePlanPerApiStage{{Api: f.API, Stage: f.API.DeploymentStage()}},
	})
	for _, name := range props.Keys {
		key := f.API.AddApiKey(jsii.String("Key-"+name),
			&awsapigateway.ApiKeyOptions{ApiKeyName: jsii.String(props.StackName + "-" + name)})
		plan.AddApiKey(key, nil)
		f.Keys = append(f.Keys, key)
	}
}

// URL is where events are posted.
func (f *FrontDoor) URL() string {
	return "https://" + *f.API.RestApiId() + ".execute-api." + *awscdk.Aws_REGION() + "." + *awscdk.Aws_URL_SUFFIX() +
		"/" + frontdoor.Stage + "/" + frontdoor.Resource
}

// invoke lets a producer post events.
func (f *FrontDoor) invoke() statement {
	return statement{
		Actions:   []string{"execute-api:Invoke"},
		Resources: []string{arn("execute-api", *f.API.RestApiId()+"/"+frontdoor.Stage+"/POST/"+frontdoor.Resource)},
	}
}

// describeKeys is the text of the output with the ids of the keys: <name>=<id>, separated by commas.
func (f *FrontDoor) describeKeys(names []string) string {
	var pairs []string
	for i, key := range f.Keys {
		pairs = append(pairs, names[i]+"="+*key.KeyId())
	}
	return strings.Join(pairs, ",")
}
