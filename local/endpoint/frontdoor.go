package endpoint

import (
	"fmt"
	"net/http"

	"firehose-pipeline/local"
	"firehose-pipeline/local/apigateway"
	"firehose-pipeline/local/firehose/api"
	kinesisapi "firehose-pipeline/local/kinesis/api"
)

// APIKey is the API key that requests to the front door must have, when the stack's method requires one.
const APIKey = "local-api-key"

// newFrontDoor makes the stack's front door; nil when it has none. Its integration is the API that serves the stream.
func (e *Endpoint) newFrontDoor(p *local.Pipeline, throttle bool) (*apigateway.API, error) {
	config := p.FrontDoor()
	if config == nil {
		return nil, nil
	}
	services := map[string]struct {
		handler http.Handler
		prefix  string
	}{"kinesis": {e.kinesis, kinesisapi.TargetPrefix}, "firehose": {e.firehose, api.TargetPrefix}}
	service := services[config.Service]
	if service.handler == nil {
		return nil, fmt.Errorf("front door: the stack has no stream of the integration's service %s", config.Service)
	}
	own := *config
	if !throttle {
		own.Rate = 0
	}
	return apigateway.New(apigateway.Options{Config: &own, Service: service.handler,
		Target: service.prefix + config.Action, Key: APIKey})
}

// isFrontDoors reports whether a request is for the front door: by its path, where an unsigned request gets the API's
// own answer, or signed for any API of API Gateway.
func (e *Endpoint) isFrontDoors(r *http.Request, service string) bool {
	return e.frontDoor != nil && (service == "execute-api" || service == "" && e.frontDoor.Handles(r.URL.Path))
}
