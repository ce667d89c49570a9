package simulation

// Site is a call site: who calls, and which operation.
type Site string

// The call sites.
const (
	sendPut         Site = "send firehose:PutRecordBatch"
	replayPut       Site = "replay firehose:PutRecordBatch"
	replayReceive   Site = "replay sqs:ReceiveMessage"
	replayDelete    Site = "replay sqs:DeleteMessageBatch"
	replayKeep      Site = "replay sqs:ChangeMessageVisibilityBatch"
	replayCount     Site = "replay sqs:GetQueueAttributes"
	replayGet       Site = "replay s3:GetObject"
	replayList      Site = "replay s3:ListObjectsV2"
	handlerGet      Site = "errorhandler s3:GetObject"
	handlerSend     Site = "errorhandler sqs:SendMessageBatch"
	streamInvoke    Site = "firehose lambda:Invoke"
	streamStore     Site = "firehose s3:PutObject"
	streamIndex     Site = "firehose opensearch:_bulk"
	bucketNotify    Site = "s3 notification"
	lambdaOnFailure Site = "lambda on-failure destination"
)

// Sites are all call sites, in the order of the table.
var Sites = []Site{sendPut, replayPut, replayReceive, replayDelete, replayKeep, replayCount, replayGet, replayList,
	handlerGet, handlerSend, streamInvoke, streamStore, streamIndex, bucketNotify, lambdaOnFailure}

// Fault is a kind of failure of a call.
type Fault string

// The faults.
const (
	none Fault = ""
	// refused: the service is not reached, or answers 5xx, without effect.
	refused Fault = "refused"
	// throttled: the service answers that there were too many requests, without effect.
	throttled Fault = "throttled"
	// lost: the call takes effect, and its response is lost.
	lost Fault = "lost"
	// late: the call takes seconds to minutes.
	late Fault = "late"
	// partial: a part of the batch fails.
	partial Fault = "partial"
	// twice: the effect comes twice.
	twice Fault = "twice"
	// broken: the response's body breaks off.
	broken Fault = "broken"
	// diedBefore: the caller dies before the call takes effect.
	diedBefore Fault = "died before"
	// diedAfter: the caller dies after the effect, before it has the response.
	diedAfter Fault = "died after"
	// torn: the caller dies while it writes its state file after the response.
	torn Fault = "torn state"
)

// Faults are all faults, in the order of the table.
var Faults = []Fault{refused, throttled, lost, late, partial, twice, broken, diedBefore, diedAfter, torn}

// applicable are the faults of each site.
var applicable = map[Site][]Fault{
	sendPut:         {refused, throttled, lost, late, partial, diedBefore, diedAfter, torn},
	replayPut:       {refused, throttled, lost, late, partial, diedBefore, diedAfter, torn},
	replayReceive:   {refused, throttled, lost, late, partial, twice, diedBefore, diedAfter},
	replayDelete:    {refused, throttled, lost, late, partial, twice, diedBefore, diedAfter},
	replayKeep:      {refused, throttled, lost, late, partial, diedBefore, diedAfter},
	replayCount:     {refused, throttled, lost, late, diedBefore, diedAfter},
	replayGet:       {refused, throttled, lost, late, broken, diedBefore, diedAfter},
	replayList:      {refused, throttled, lost, late, diedBefore, diedAfter},
	handlerGet:      {refused, throttled, lost, late, broken, diedBefore, diedAfter},
	handlerSend:     {refused, throttled, lost, late, partial, diedBefore, diedAfter},
	streamInvoke:    {refused, throttled, lost, late, partial},
	streamStore:     {refused, throttled, late, twice},
	streamIndex:     {refused, throttled, lost, late, partial},
	bucketNotify:    {late, twice},
	lambdaOnFailure: {late, twice},
}

// absent explains the cells of the table that no seed can hit.
var absent = map[Fault]string{
	refused:   "AWS delivers its own events until they are accepted: a refusal is a late event",
	throttled: "AWS delivers its own events until they are accepted: throttling is a late event",
	lost: "a lost response makes AWS deliver its own event again, and Firehose store an object again: both are the " +
		"column twice",
	partial:    "the call has one entry",
	twice:      "a request has one response; what is repeated is repeated by the caller, after lost",
	broken:     "the response is read whole: one that breaks off is a lost one",
	diedBefore: "AWS's own services do not die in the model",
	diedAfter:  "AWS's own services do not die in the model",
	torn:       "no state is written after this call",
}
