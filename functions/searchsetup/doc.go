// Package searchsetup puts an OpenSearch domain with fine-grained access control into the state that the search stream
// needs: security roles and their mappings (roles.go), the index template (template.go) and the retention policy
// (retention.go). CloudFormation has no resources for these, and without them the domain rejects Firehose with 403.
//
// [Setup.Apply] and [Setup.Remove] do the work through a signed [Client]; [Resource] makes a CloudFormation custom
// resource of them. Every step reads before it writes, so that a second run writes nothing, with two exceptions, both
// harmless. Index state management shows a write a second later: an index that came within that time is added to its
// policy again. And it does not show a change of an index's policy until its next run (5 to 8 minutes): until then the
// change is posted again.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ism.html
package searchsetup
