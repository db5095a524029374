"""Drives a server with azure-mgmt-loganalytics and prints what it got: endpoint, certificate, token."""

import datetime
import json
import sys
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.loganalytics import models

endpoint, certificate, token = sys.argv[1:]


class Credential:
    def get_token(self, *_, **__):
        return AccessToken(token, 4102444800)


client = LogAnalyticsManagementClient(
    Credential(),
    "00000000-0000-0000-0000-000000000001",
    base_url=endpoint,
    credential_scopes=["https://castellan.example/.default"],
    connection_verify=certificate,
    retry_total=0,
    polling_interval=0,
)
place = ("group", "workspace")
told = {}

told["workspace"] = client.workspaces.get(*place).customer_id

columns = [models.Column(name="User", type="string"), models.Column(name="When", type="dateTime")]
made = client.tables.begin_create_or_update(
    *place,
    "App_CL",
    models.Table(retention_in_days=30, total_retention_in_days=90, schema=models.Schema(name="App_CL", columns=columns)),
).result()
told["made"] = [made.name, made.retention_in_days, [[column.name, column.type] for column in made.schema.columns]]
wider = models.Schema(name="App_CL", columns=columns + [models.Column(name="Count", type="long")])
client.tables.begin_create_or_update(*place, "App_CL", models.Table(schema=wider)).result()
got = client.tables.get(*place, "App_CL")
told["wider"] = [len(got.schema.columns), got.total_retention_in_days]
client.tables.begin_update(*place, "SigninLogs", models.Table(total_retention_in_days=365)).result()
told["tables"] = [[table.name, table.total_retention_in_days] for table in client.tables.list_by_workspace(*place)]

filters = [
    models.WorkspacePurgeBodyFilters(column="UserPrincipalName", operator="in~", value=["ANN@example.com", "no\"body"]),
    models.WorkspacePurgeBodyFilters(column="TimeGenerated", operator="<", value="2100-01-01"),
]
purge = client.workspace_purge.purge(*place, models.WorkspacePurgeBody(table="SigninLogs", filters=filters))
for _ in range(200):
    status = client.workspace_purge.get_purge_status(*place, purge.operation_id)
    if status.status != "pending":
        break
    time.sleep(0.05)
told["purge"] = status.status

rule = models.SummaryLogs(
    properties=models.SummaryLogsProperties(
        rule_type="User",
        description="who fails",
        rule_definition=models.RuleDefinition(
            query="SigninLogs | summarize Failures = count() by UserPrincipalName",
            bin_size=60,
            bin_start_time=datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),
            destination_table="Failures_CL",
        ),
    )
)
put = client.summary_logs.begin_create_or_update(*place, "failures", rule).result()
told["rule"] = [put.name, put.is_active, put.rule_definition.destination_table, put.provisioning_state]
client.summary_logs.stop(*place, "failures")
told["stopped"] = client.summary_logs.get(*place, "failures").is_active
client.summary_logs.begin_start(*place, "failures").result()
told["rules"] = [each.name for each in client.summary_logs.list_by_workspace(*place)]
client.summary_logs.begin_delete(*place, "failures").result()
told["rules after"] = [each.name for each in client.summary_logs.list_by_workspace(*place)]

client.tables.begin_delete(*place, "App_CL").result()


def refused(ask):
    try:
        ask()
        return None
    except HttpResponseError as error:
        return [error.status_code, error.error.code]


told["gone"] = refused(lambda: client.tables.get(*place, "App_CL"))
told["type changed"] = refused(
    lambda: client.tables.begin_create_or_update(
        *place,
        "Other_CL",
        models.Table(schema=models.Schema(name="Other_CL", columns=[models.Column(name="A", type="nonsense")])),
    ).result()
)
told["no table"] = refused(
    lambda: client.workspace_purge.purge(*place, models.WorkspacePurgeBody(table="Nothing", filters=filters))
)
print(json.dumps(told))
