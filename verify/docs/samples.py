"""Responses of AWS from the AWS CLI's own models, with every member that an operation can return.

A query that finds nothing in such a response names a member that does not exist.
"""

import functools
import io
import json

import awscli  # noqa: F401: the CLI has a botocore of its own, which this import puts in the place of PyPI's
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.model import OperationModel, Shape
from botocore.response import StreamingBody

# Members whose value a later command of the same block needs: by operation and name of the member.
VALUES = {
    ("GetQueryExecution", "State"): "SUCCEEDED",
    ("DescribeKey", "KeyId"): "11111111-2222-4333-8444-555555555555",
    ("GetCallerIdentity", "Account"): "000000000000",
    ("FilterLogEvents", "message"): json.dumps(
        {"level": "WARN", "status": "403", "errorType": "ACCESS_DENIED", "caller": "arn"}, separators=(",", ":")),
    ("DescribeDomainConfig", "Options"): "{}",
    ("GetTemplate", "TemplateBody"): {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}},
}
TIME = "2026-01-31T12:00:00Z"  # the CLI shows times as they come


def response(operation: OperationModel, page_tokens: set[str]) -> dict:
    """A response that is the last of its pages: page_tokens are the members that would ask for another one."""
    if operation.output_shape is None:
        return {"ResponseMetadata": {}}
    sample = make(operation.output_shape, operation.name, ())
    found = {name: value for name, value in sample.items() if name not in page_tokens}
    streaming = operation.get_streaming_output()
    if streaming is not None:
        name = next(n for n, shape in operation.output_shape.members.items() if shape is streaming)
        found[name] = StreamingBody(io.BytesIO(b"null"), 4)
    return found | {"ResponseMetadata": {"HTTPStatusCode": 200}}


def make(shape: Shape, operation: str, within: tuple[str, ...]) -> object:
    """One element for each list; a recursive shape ends where it begins again."""
    if shape.name in within:
        return {} if shape.type_name in ("structure", "map") else []
    inside = (*within, shape.name)
    match shape.type_name:
        case "structure":
            return {name: VALUES.get((operation, name)) or make(member, operation, inside)
                    for name, member in shape.members.items()}
        case "list":
            return [make(shape.member, operation, inside)]
        case "map":
            return {"key": make(shape.value, operation, inside)}
        case "timestamp":
            return TIME
        case "integer" | "long":
            return 1
        case "float" | "double" | "bigdecimal":
            return 1.5
        case "boolean":
            return True
        case "blob":
            return b"sample"
    return shape.enum[0] if getattr(shape, "enum", None) else "sample"


@functools.cache
def page_tokens(session, service: str, operation: str) -> frozenset[str]:
    """The members of a response that ask for another page."""
    loader = session.get_component("data_loader")
    try:
        pagers = loader.load_service_model(service, "paginators-1")["pagination"]
    except (DataNotFoundError, UnknownServiceError):  # a service without pages has no such file
        return frozenset()
    tokens = pagers.get(operation, {}).get("output_token", [])
    return frozenset([tokens] if isinstance(tokens, str) else tokens)


def has_nothing(found: object) -> bool:
    """Whether a part of what a query found is null, or the whole is empty."""
    def null(value: object) -> bool:
        if isinstance(value, list):
            return any(null(element) for element in value)
        return value is None
    return null(found) or found in ([], "")
