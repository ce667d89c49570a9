package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"firehose-pipeline/local/apigateway/vtl"
)

// API is the front door: a REST API with one method, whose integration is an action of an AWS service.
type API struct {
	Name, Stage, Path, Method string // Path without the stage, with a slash at the start
	KeyRequired               bool
	Rate                      float64 // requests a second; 0: not limited
	Burst                     int
	// Service and Action are those of the integration, for example kinesis and PutRecords.
	Service, Action string
	ContentType     string                   // of the request to the service
	Requests        map[string]*vtl.Template // by content type of the request
	Responses       []APIResponse
	Models          map[string]json.RawMessage // by content type: a JSON Schema
	Gateway         map[string]APIResponse     // by type of gateway response, for example THROTTLED
}

// APIResponse is a response of the integration, or one of the gateway.
type APIResponse struct {
	Pattern  *regexp.Regexp // of the service's status; nil: any other
	Status   int
	Template *vtl.Template // of an integration's response
	Text     string        // of a gateway response, with variables
	Headers  map[string]string
}

type methodProperties struct {
	ApiKeyRequired    bool
	AuthorizationType string
	HttpMethod        string
	Integration       struct {
		Credentials           any
		IntegrationHttpMethod string
		IntegrationResponses  []struct {
			ResponseParameters map[string]string
			ResponseTemplates  map[string]string
			SelectionPattern   string
			StatusCode         string
		}
		PassthroughBehavior string
		RequestParameters   map[string]string
		RequestTemplates    map[string]string
		Type                string
		Uri                 string
	}
	MethodResponses    any // which the integration's responses name again
	OperationName      any
	RequestModels      map[string]string
	RequestValidatorId string
	ResourceId         any
	RestApiId          any
}

type stageProperties struct {
	AccessLogSetting any // nothing is logged here
	DeploymentId     any
	MethodSettings   []struct {
		DataTraceEnabled, HttpMethod, LoggingLevel, MetricsEnabled, ResourcePath any
		ThrottlingBurstLimit                                                     int
		ThrottlingRateLimit                                                      float64
	}
	RestApiId      any
	StageName      string
	Tags           any
	TracingEnabled any
}

type gatewayResponseProperties struct {
	ResponseParameters map[string]string
	ResponseTemplates  map[string]string
	ResponseType       string
	RestApiId          any
	StatusCode         string
}

// parseAPI reads the front door; nil when the stack has none.
func (p *parser) parseAPI() (*API, error) {
	ids := p.resourcesOf("AWS::ApiGateway::RestApi")
	if len(ids) == 0 {
		return nil, nil
	}
	a := &API{}
	var named struct{ Name string }
	for _, read := range []func() error{
		func() error { return p.decodeProperties(ids[0], &named, false) },
		func() error { return p.parseMethod(a) },
		func() error { return p.parseStage(a) },
		func() error { return p.parseGatewayResponses(a) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	a.Name = named.Name
	if len(ids) > 1 {
		return nil, fmt.Errorf("%s: must be one API (got %d)", ids[0], len(ids))
	}
	return a, nil
}

var integrationURI = regexp.MustCompile(`^arn:aws:apigateway:[a-z0-9-]+:([a-z]+):action/([A-Za-z]+)$`)

func (p *parser) parseMethod(a *API) error {
	id, err := p.onlyResource("AWS::ApiGateway::Method")
	if err != nil {
		return err
	}
	var m methodProperties
	if err := p.decodeResource(id, &m); err != nil {
		return err
	}
	i := m.Integration
	uri := integrationURI.FindStringSubmatch(i.Uri)
	switch {
	case m.AuthorizationType != "AWS_IAM":
		return fmt.Errorf("%s: AuthorizationType: only AWS_IAM is modelled (got %q)", id, m.AuthorizationType)
	case i.Type != "AWS" || uri == nil || i.IntegrationHttpMethod != "POST":
		return fmt.Errorf("%s: must be an integration of type AWS that posts to an action of a service (got %q, %q)", id,
			i.Type, i.Uri)
	case i.PassthroughBehavior != "NEVER":
		return fmt.Errorf("%s: PassthroughBehavior: only NEVER is modelled (got %q)", id, i.PassthroughBehavior)
	}
	a.Method, a.KeyRequired, a.Service, a.Action = m.HttpMethod, m.ApiKeyRequired, uri[1], uri[2]
	header, quoted := unquote(i.RequestParameters["integration.request.header.Content-Type"])
	if len(i.RequestParameters) != 1 || !quoted {
		return fmt.Errorf("%s: must set the header Content-Type of the request to a constant, and nothing else", id)
	}
	a.ContentType = header
	if a.Requests, err = parseTemplates(id, i.RequestTemplates); err != nil {
		return err
	}
	for _, r := range i.IntegrationResponses {
		response, err := parseResponse(r.StatusCode, r.ResponseParameters, "method.response.header.")
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		if r.SelectionPattern != "" {
			// The pattern matches the whole status.
			if response.Pattern, err = regexp.Compile("^(?:" + r.SelectionPattern + ")$"); err != nil {
				return fmt.Errorf("%s: SelectionPattern: %w", id, err)
			}
		}
		templates, err := parseTemplates(id, r.ResponseTemplates)
		if err != nil {
			return err
		}
		if response.Template = templates["application/json"]; len(templates) != 1 || response.Template == nil {
			return fmt.Errorf("%s: a response must have one template, for application/json", id)
		}
		a.Responses = append(a.Responses, response)
	}
	if a.Path, err = p.resourcePath(p.resources[id].Properties["ResourceId"]); err != nil {
		return err
	}
	return p.parseModels(a, id, m)
}

func parseTemplates(id string, texts map[string]string) (map[string]*vtl.Template, error) {
	parsed := map[string]*vtl.Template{}
	for contentType, text := range texts {
		t, err := vtl.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", id, contentType, err)
		}
		parsed[contentType] = t
	}
	return parsed, nil
}

// unquote returns a constant of a mapping, which is in single quotes.
func unquote(text string) (string, bool) {
	if len(text) < 2 || text[0] != '\'' || text[len(text)-1] != '\'' {
		return "", false
	}
	return text[1 : len(text)-1], true
}

func parseResponse(status string, parameters map[string]string, prefix string) (APIResponse, error) {
	r := APIResponse{Headers: map[string]string{}}
	if _, err := fmt.Sscanf(status, "%d", &r.Status); err != nil || len(status) != 3 {
		return r, fmt.Errorf("StatusCode: must have three digits (got %q)", status)
	}
	for name, value := range parameters {
		header, isHeader := strings.CutPrefix(name, prefix)
		constant, quoted := unquote(value)
		if !isHeader || !quoted {
			return r, fmt.Errorf("ResponseParameters: must set headers to constants (got %s: %s)", name, value)
		}
		r.Headers[header] = constant
	}
	return r, nil
}

// resourcePath follows the resources of the API up to its root.
func (p *parser) resourcePath(ref any) (string, error) {
	path := ""
	for range 10 {
		id, _ := ref.(map[string]any)["Ref"].(string)
		r, ok := p.resources[id]
		if !ok || r.Type != "AWS::ApiGateway::Resource" {
			return path, nil
		}
		part, _ := r.Properties["PathPart"].(string)
		if part == "" || strings.ContainsAny(part, "{}/") {
			return "", fmt.Errorf("%s: PathPart: only constants are modelled (got %v)", id, r.Properties["PathPart"])
		}
		path, ref = "/"+part+path, r.Properties["ParentId"]
	}
	return "", fmt.Errorf("AWS::ApiGateway::Resource: must not be nested deeper than 10")
}

// parseModels reads the models that request bodies are validated by.
func (p *parser) parseModels(a *API, id string, m methodProperties) error {
	a.Models = map[string]json.RawMessage{}
	byName := map[string]json.RawMessage{}
	for _, model := range p.resourcesOf("AWS::ApiGateway::Model") {
		var properties struct{ Schema json.RawMessage }
		name, err := p.physicalName(model)
		if err == nil {
			err = p.decodeProperties(model, &properties, false)
		}
		if err != nil {
			return err
		}
		byName[name] = properties.Schema
	}
	var validator struct{ ValidateRequestBody bool }
	if ids := p.resourcesOf("AWS::ApiGateway::RequestValidator"); m.RequestValidatorId != "" && len(ids) == 1 {
		if err := p.decodeProperties(ids[0], &validator, false); err != nil {
			return err
		}
	}
	if !validator.ValidateRequestBody {
		return nil
	}
	for contentType, name := range m.RequestModels {
		if byName[name] == nil {
			return fmt.Errorf("%s: RequestModels: no model %q in the template", id, name)
		}
		a.Models[contentType] = byName[name]
	}
	return nil
}

func (p *parser) parseStage(a *API) error {
	id, err := p.onlyResource("AWS::ApiGateway::Stage")
	if err != nil {
		return err
	}
	var s stageProperties
	if err := p.decodeResource(id, &s); err != nil {
		return err
	}
	a.Stage = s.StageName
	for _, m := range s.MethodSettings {
		a.Rate, a.Burst = m.ThrottlingRateLimit, m.ThrottlingBurstLimit
	}
	if len(s.MethodSettings) > 1 {
		return fmt.Errorf("%s: MethodSettings: one entry is modelled (got %d)", id, len(s.MethodSettings))
	}
	return nil
}

func (p *parser) parseGatewayResponses(a *API) error {
	a.Gateway = map[string]APIResponse{}
	for _, id := range p.resourcesOf("AWS::ApiGateway::GatewayResponse") {
		var g gatewayResponseProperties
		if err := p.decodeResource(id, &g); err != nil {
			return err
		}
		r, err := parseResponse(g.StatusCode, g.ResponseParameters, "gatewayresponse.header.")
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		r.Text = g.ResponseTemplates["application/json"]
		if r.Text == "" || len(g.ResponseTemplates) != 1 {
			return fmt.Errorf("%s: must have one template, for application/json", id)
		}
		a.Gateway[g.ResponseType] = r
	}
	return nil
}
