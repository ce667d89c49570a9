package searchsetup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"firehose-pipeline/internal/clock"

	"github.com/aws/aws-lambda-go/cfn"
)

// PhysicalResourceID is the custom resource's id, the same in every answer, failures included: when an id changes,
// CloudFormation takes the resource for replaced and sends a Delete for the old id, which would undo the setup.
const PhysicalResourceID = "search-setup"

const (
	// removeTimeout bounds a Delete: the domain may be gone, and the stack's deletion waits.
	removeTimeout = 30 * time.Second
	// maxReason bounds the reason of a failure, in bytes: CloudFormation takes answers of up to 4 KB.
	maxReason = 2000
)

// Resource is the custom resource. Its one property State holds a [State] as a JSON string.
type Resource struct {
	Sign  Signer
	HTTP  *http.Client // nil: http.DefaultClient
	Clock clock.Clock  // nil: the machine's
	Log   *slog.Logger // nil: slog.Default()
}

// Handle serves Create, Update and Delete; give it to cfn.LambdaWrap. A Delete succeeds whatever happens, because a
// stack that cannot be deleted is worse than a role left on a domain; the failure is in the log.
func (r Resource) Handle(ctx context.Context, event cfn.Event) (physicalResourceID string, data map[string]any,
	err error) {
	id := PhysicalResourceID
	if event.PhysicalResourceID != "" {
		id = event.PhysicalResourceID
	}
	log := r.Log
	if log == nil {
		log = slog.Default()
	}
	switch event.RequestType {
	case cfn.RequestCreate, cfn.RequestUpdate:
		err = r.applyState(ctx, log, event)
	case cfn.RequestDelete:
		ctx, cancel := context.WithTimeout(ctx, removeTimeout)
		defer cancel()
		if removeErr := r.removeState(ctx, log, event); removeErr != nil {
			log.Warn("deleted without cleaning up all of the domain", "error", removeErr.Error())
		}
	default:
		err = fmt.Errorf("unknown request type %q", event.RequestType)
	}
	if err != nil && len(err.Error()) > maxReason {
		log.Error("failed", "error", err.Error())
		err = errors.New(strings.ToValidUTF8(err.Error()[:maxReason], "") + " … (more in the log)")
	}
	return id, nil, err
}

func (r Resource) applyState(ctx context.Context, log *slog.Logger, event cfn.Event) error {
	text, err := stateProperty(event.ResourceProperties)
	if err != nil {
		return err
	}
	state, err := ParseState(text)
	if err != nil {
		return err
	}
	return r.withSetup(state, log, func(s *Setup) error { return s.Apply(ctx, state, oldState(log, event)) })
}

func (r Resource) removeState(ctx context.Context, log *slog.Logger, event cfn.Event) error {
	text, err := stateProperty(event.ResourceProperties)
	if err != nil {
		return err
	}
	state, err := ParseState(text)
	if err != nil {
		return err // then nothing was set up with it either
	}
	return r.withSetup(state, log, func(s *Setup) error { return s.Remove(ctx, state) })
}

func (r Resource) withSetup(state State, log *slog.Logger, do func(*Setup) error) error {
	s, err := New(state, r.Sign)
	if err != nil {
		return err
	}
	s.Clock, s.Client.HTTP, s.Client.Log = r.Clock, r.HTTP, log
	return do(s)
}

// oldState is the state that an update replaces. It may come from another version of this program, so unknown members
// are ignored.
func oldState(log *slog.Logger, event cfn.Event) *State {
	if event.RequestType != cfn.RequestUpdate {
		return nil
	}
	text, err := stateProperty(event.OldResourceProperties)
	var old State
	if err == nil {
		err = json.Unmarshal([]byte(text), &old)
	}
	if err != nil {
		log.Warn("the old state is unreadable: roles that it mapped stay mapped", "error", err.Error())
		return nil
	}
	return &old
}

func stateProperty(properties map[string]any) (string, error) {
	text, ok := properties["State"].(string)
	if !ok {
		return "", fmt.Errorf("property State: must be a JSON string (got %T)", properties["State"])
	}
	return text, nil
}
