package page

import "time"

// SetPatience sets how long a report may search for its events: a test must not depend on the machine's speed.
func (p *Page) SetPatience(d time.Duration) { p.patience = d }
