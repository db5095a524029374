"""Drives a server with azure-monitor-query and prints what it got: endpoint, certificate, token."""

import json
import sys
from datetime import datetime, timedelta, timezone

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsBatchQuery, LogsQueryClient

endpoint, certificate, token = sys.argv[1:]


class Credential:
    def __init__(self, token):
        self.token = token

    def get_token(self, *scopes, **_):
        assert scopes == ("https://castellan.example/.default",), scopes
        return AccessToken(self.token, 4102444800)


def client(token):
    return LogsQueryClient(
        Credential(token),
        endpoint=endpoint + "/v1",
        audience="https://castellan.example",
        connection_verify=certificate,
        retry_total=0,
    )


def failed(run):
    try:
        run()
    except HttpResponseError as error:
        return error
    raise AssertionError("no error")


def code(error):
    inner = error.response.json()["error"]
    return [error.status_code, inner["code"], inner.get("innererror", {}).get("code")]


logs = client(token)
start = datetime(2026, 1, 2, tzinfo=timezone.utc)
told = {}

both = (start, start + timedelta(days=2))
table = logs.query_workspace("w", "Events | project TimeGenerated, Count", timespan=both).tables[0]
rows = [[row["TimeGenerated"].day - 1, row["Count"]] for row in table.rows]
told["two days"] = [table.name, table.columns, table.columns_types, rows]
wider = "Events | where TimeGenerated > datetime(2000-01-01) | count"
told["query wider"] = logs.query_workspace("w", wider, timespan=both).tables[0].rows[0][0]
three = (start, timedelta(days=3))
told["start and duration"] = len(logs.query_workspace("w", "Events", timespan=three).tables[0].rows)
told["no timespan"] = logs.query_workspace("w", "Events | take 8 | count", timespan=None).tables[0].rows[0][0]

partial = logs.query_workspace("w", "Events", timespan=None)
told["partial"] = [type(partial).__name__, len(partial.partial_data[0].rows), partial.partial_error.code]

types = logs.query_workspace("w", "Types | sort by l desc", timespan=None).tables[0].rows
first = list(types[0])
first[6] = first[6].isoformat()
told["types"] = first
told["nulls"] = list(types[1])

more = logs.query_workspace(
    "w",
    "Events | summarize sum(Count) by User | render barchart",
    timespan=None,
    server_timeout=30,
    include_statistics=True,
    include_visualization=True,
    additional_workspaces=["other"],
)
told["statistics"] = more.statistics["query"]["executionTime"] > 0
told["visualization"] = more.visualization["visualization"]

resource = "/subscriptions/s1/resourceGroups/g/providers/Microsoft.A/b/c"
told["resource"] = logs.query_resource(resource, "Events | count", timespan=None).tables[0].rows[0][0]

batch = logs.query_batch(
    [
        LogsBatchQuery("w", "print 1", timespan=None),
        LogsBatchQuery("w", "Nobody", timespan=timedelta(days=1)),
        LogsBatchQuery("w", "Events", timespan=None, include_statistics=True, server_timeout=10),
    ]
)
told["batch"] = [type(one).__name__ for one in batch]
told["batch error"] = batch[1].code

told["syntax"] = code(failed(lambda: logs.query_workspace("w", "Events | where (", timespan=None)))
told["semantic"] = code(failed(lambda: logs.query_workspace("w", "Events | where Nobody == 1", timespan=None)))
wrong = client("a-token-that-is-not-the-one")
told["wrong token"] = failed(lambda: wrong.query_workspace("w", "print 1", timespan=None)).status_code

print(json.dumps(told))
