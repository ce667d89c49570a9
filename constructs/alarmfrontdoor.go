package constructs

import "firehose-pipeline/frontdoor"

// watchFrontDoor watches the API. The average of an error metric is the share of requests that failed.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
func (a *Alarms) watchFrontDoor(f *FrontDoor) {
	of := ofFrontDoor(a.stackName)
	// Fires when over 5 % of the requests fail for three minutes, through no fault of the clients: the role, the key or
	// the stream.
	a.on(eventsNotAccepted, "api-failing", "requests to the front door fail", of("5XXError", "Average"),
		condition{above, 0.05, 60, 3, 3})
	// Fires when over 5 % of the requests are rejected for ten of fifteen minutes: throttled, not signed, too large or
	// not events. The access log has the status of each. It is no page: the address is public, and anybody can send it
	// requests that are rejected.
	a.on(ticketByItself, "api-rejecting", "requests to the front door are rejected", of("4XXError", "Average"),
		condition{above, 0.05, 60, 10, 15})
	// Fires when the slowest tenth takes over 2.5 seconds for five minutes, of the 29 that the integration has.
	a.on(capacityLow, "api-slow", "the front door takes over 2,500 ms", of("Latency", "p90"),
		condition{above, 2500, 60, 5, 5})
}

// ofFrontDoor makes the metrics of the API's stage. The API has the name of the stack.
func ofFrontDoor(stackName string) metrics {
	return metricsOf("AWS/ApiGateway", [2]string{"ApiName", stackName}, [2]string{"Stage", frontdoor.Stage})
}
