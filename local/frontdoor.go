package local

import "firehose-pipeline/local/template"

// FrontDoor returns the stack's HTTP front door; nil when it has none.
func (p *Pipeline) FrontDoor() *template.API { return p.config.API }
