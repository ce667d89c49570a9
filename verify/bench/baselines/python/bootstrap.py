"""Runs handler.lambda_handler against Lambda's Runtime API: a loop over one connection, with the standard library only.

It does less than AWS's own client for Python (awslambdaric) and is faster: no signals, no logging, no deadlines.
"""

import http.client
import json
import os

from handler import lambda_handler

BASE = "/2018-06-01/runtime/invocation/"
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", BASE + "next")
    response = api.getresponse()
    event = json.loads(response.read())
    request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    answer = json.dumps(lambda_handler(event, None)).encode("utf-8")
    api.request("POST", BASE + request_id + "/response", answer)
    api.getresponse().read()
