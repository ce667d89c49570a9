package trace

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"firehose-pipeline/internal/clock"
)

// AthenaAPI is the part of Athena's API that [LakeQuery] uses.
type AthenaAPI interface {
	StartQueryExecution(context.Context, *athena.StartQueryExecutionInput,
		...func(*athena.Options)) (*athena.StartQueryExecutionOutput, error)
	GetQueryExecution(context.Context, *athena.GetQueryExecutionInput,
		...func(*athena.Options)) (*athena.GetQueryExecutionOutput, error)
	GetQueryResults(context.Context, *athena.GetQueryResultsInput,
		...func(*athena.Options)) (*athena.GetQueryResultsOutput, error)
	StopQueryExecution(context.Context, *athena.StopQueryExecutionInput,
		...func(*athena.Options)) (*athena.StopQueryExecutionOutput, error)
}

// LakeQuery asks Athena for the event.
type LakeQuery struct {
	Client    AthenaAPI
	WorkGroup string
	Table     string      // database.table
	Clock     clock.Clock // nil: the system's
}

// queryTime bounds a query; it is stopped then.
const queryTime = 2 * time.Minute

// Look implements [Looker].
func (l LakeQuery) Look(ctx context.Context, q *Query, p *Place) error {
	p.Means = "athena"
	if q.ID.Hashed {
		return errHashed
	}
	if !q.ID.isStorable() {
		p.Complete = true
		return nil
	}
	sql, err := l.query(q)
	if err != nil {
		return err
	}
	started, err := l.Client.StartQueryExecution(ctx, &athena.StartQueryExecutionInput{QueryString: &sql,
		WorkGroup: &l.WorkGroup})
	if err != nil {
		return fmt.Errorf("starting the query in Athena's workgroup %s: %w", l.WorkGroup, err)
	}
	id := aws.ToString(started.QueryExecutionId)
	if err := l.awaitQuery(ctx, id); err != nil {
		return err
	}
	out, err := l.Client.GetQueryResults(ctx, &athena.GetQueryResultsInput{QueryExecutionId: &id})
	if err != nil {
		return fmt.Errorf("reading the results of Athena's query %s: %w", id, err)
	}
	p.Complete = true
	if out.ResultSet == nil || len(out.ResultSet.Rows) == 0 {
		return nil
	}
	for _, row := range out.ResultSet.Rows[1:] { // the first has the names of the columns
		h := Hit{}
		if len(row.Data) > 0 {
			h.Object = aws.ToString(row.Data[0].VarCharValue)
		}
		if len(row.Data) > 1 {
			h.setTime(parseTime(aws.ToString(row.Data[1].VarCharValue)), "processed")
		}
		if h.Time == nil {
			h.setTime(timeOfObject(h.Object), "objectBegan")
		}
		p.add(h)
	}
	return nil
}

// query is the SQL. The id comes as hexadecimal digits of its UTF-8 bytes, so that no id is ever SQL; a parameter
// (ExecutionParameters) would be SQL that the caller has to quote, and of at most 1,024 characters.
// https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
func (l LakeQuery) query(q *Query) (string, error) {
	database, table, ok := strings.Cut(l.Table, ".")
	if !ok {
		return "", fmt.Errorf("the table must be database.table (got %q)", l.Table)
	}
	var column []string
	for _, name := range q.ID.Columns {
		column = append(column, quoteName(name))
	}
	id := strings.Join(column, ".")
	if q.ID.Integer {
		id = "CAST(" + id + " AS varchar)"
	}
	processed := "CAST(NULL AS varchar)"
	if q.ID.ProcessedAt != "" {
		processed = quoteName(q.ID.ProcessedAt)
	}
	return fmt.Sprintf(`SELECT "$path", %s FROM %s.%s WHERE %s AND %s = from_utf8(from_hex('%s')) LIMIT %d`, processed,
		quoteName(database), quoteName(table), q.partitions(clock.OrSystem(l.Clock).Now()), id,
		hex.EncodeToString([]byte(q.ID.Text)), MaxHits), nil
}

func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// awaitQuery waits for the end of a query. One that takes too long, or is interrupted, is stopped.
func (l LakeQuery) awaitQuery(ctx context.Context, id string) error {
	at := clock.OrSystem(l.Clock)
	end := at.Now().Add(queryTime)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		out, err := l.Client.GetQueryExecution(ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &id})
		if err != nil {
			return fmt.Errorf("asking for Athena's query %s: %w", id, err)
		}
		state, reason := types.QueryExecutionStateQueued, ""
		if out.QueryExecution != nil && out.QueryExecution.Status != nil {
			state = out.QueryExecution.Status.State
			reason = aws.ToString(out.QueryExecution.Status.StateChangeReason)
		}
		switch state {
		case types.QueryExecutionStateSucceeded:
			return nil
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			err := fmt.Errorf("Athena's query %s: %s: %s", id, state, shorten(reason))
			if strings.Contains(reason, "Access Denied") || strings.Contains(reason, "not authorized") ||
				strings.Contains(reason, "Insufficient permissions") {
				return &DeniedError{err.Error()}
			}
			return err
		}
		late := !at.Now().Before(end)
		if late || at.Pause(ctx, pause) != nil {
			after, stop := context.WithTimeout(context.WithoutCancel(ctx), returnTime)
			defer stop()
			_, stopping := l.Client.StopQueryExecution(after, &athena.StopQueryExecutionInput{QueryExecutionId: &id})
			if stopping != nil {
				return fmt.Errorf("stopping Athena's query %s: %w", id, stopping)
			}
			return fmt.Errorf("Athena's query %s took longer than %v, and was stopped: narrow --since and --until", id,
				queryTime)
		}
	}
}
