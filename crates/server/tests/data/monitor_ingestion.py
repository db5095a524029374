"""Drives the official client of the Logs Ingestion API against a server: the endpoint, the certificate, the token.

Uploads some MB, which the client splits and packs, and prints what the client's own types held.
"""

import io
import json
import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.monitor.ingestion import LogsIngestionClient

ENDPOINT, CERTIFICATE, TOKEN = sys.argv[1:4]
TOLD = {}


class Bearer:
    """A credential whose token is the server's."""

    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **kwargs):
        TOLD["scope"] = scopes[0]
        return AccessToken(self.token, 4102444800)


def client(token=TOKEN, **more):
    return LogsIngestionClient(ENDPOINT, Bearer(token), connection_verify=CERTIFICATE, **more)


logs = [
    {"Time": "2026-11-21T10:00:00Z", "Computer": f"host-{n % 7}", "AdditionalContext": "x" * (n % 200), "Number": n}
    for n in range(20_000)
]
with client() as own:
    # One id for all parts of an upload is one id for different bodies.
    own.upload("dcr-test", "Custom-Raw", logs, headers={"x-ms-client-request-id": "one-upload"})
    own.upload("dcr-test", "Custom-Raw", logs, headers={"x-ms-client-request-id": "one-upload"})
    own.upload("dcr-test", "Custom-Raw", io.BytesIO(json.dumps(logs[:5]).encode()), content_type="application/json")
    # Many small objects: the client does not count what stands between them.
    own.upload("dcr-test", "Custom-Small", [{"n": 1}] * 150_000)
    failed = []
    own.upload("dcr-test", "Custom-None", logs[:3], on_error=lambda error: failed.append(error))
    TOLD["stream"] = [failed[0].error.status_code, failed[0].error.error.code, len(failed[0].failed_logs)]
    try:
        own.upload("dcr-none", "Custom-Raw", io.BytesIO(b"[" + b" " * (1 << 20) + b"]"), content_type="application/json")
    except ResourceNotFoundError as error:
        TOLD["rule"] = [error.status_code, error.error.code]
    try:
        own.upload("dcr-test", "Custom-Raw", io.BytesIO(b"[" + b" " * (1 << 20) + b"]"), content_type="application/json")
    except HttpResponseError as error:
        TOLD["large"] = [error.status_code, error.error.code]
try:
    client("not the token at all").upload(
        "dcr-test", "Custom-Raw", io.BytesIO(b"[" + b" " * (1 << 20) + b"]"), content_type="application/json")
except ClientAuthenticationError as error:
    TOLD["token"] = [error.status_code, error.error.code]
print(json.dumps(TOLD))
