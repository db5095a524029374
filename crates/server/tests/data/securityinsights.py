"""Drives a server with azure-mgmt-securityinsight and prints what it got: endpoint, certificate, token."""

import json
import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.securityinsight import SecurityInsightsMgmtClient
from azure.mgmt.securityinsight import models

endpoint, certificate, token = sys.argv[1:]


class Credential:
    def get_token(self, *_, **__):
        return AccessToken(token, 4102444800)


client = SecurityInsightsMgmtClient(
    Credential(),
    "00000000-0000-0000-0000-000000000001",
    base_url=endpoint,
    credential_scopes=["https://castellan.example/.default"],
    connection_verify=certificate,
    retry_total=0,
)
place = ("group", "workspace")
told = {}


def refused(ask):
    try:
        ask()
        return None
    except HttpResponseError as error:
        return [error.status_code, error.error.code if error.error else None]


incidents = list(client.incidents.list(*place))
told["incidents"] = [[each.properties.incident_number, each.properties.title, each.properties.severity] for each in incidents]
told["pages"] = [each.properties.incident_number for each in client.incidents.list(*place, top=2, orderby="properties/incidentNumber asc")]
told["filtered"] = [
    each.properties.incident_number
    for each in client.incidents.list(*place, filter="properties/status eq 'New' and contains(properties/title, 'user 3')")
]
told["wrong filter"] = refused(lambda: list(client.incidents.list(*place, filter="properties/status like 'New'")))

name = next(each.name for each in incidents if each.properties.incident_number == 1)
one = client.incidents.get(*place, name)
told["one"] = [one.properties.status, one.properties.additional_data.alerts_count, one.etag, one.type]

one.properties.status = "Active"
one.properties.severity = "High"
one.properties.owner = models.IncidentOwnerInfo(assigned_to="Ben", email="ben@contoso.com")
one.properties.labels = [models.IncidentLabel(label_name="claims"), models.IncidentLabel(label_name="agents")]
changed = client.incidents.create_or_update(*place, name, one)
told["changed"] = [
    changed.properties.status,
    changed.properties.severity,
    changed.properties.owner.assigned_to,
    sorted(label.label_name for label in changed.properties.labels),
]
told["stale"] = refused(lambda: client.incidents.create_or_update(*place, name, one))
fresh = client.incidents.get(*place, name)
fresh.properties.labels = [models.IncidentLabel(label_name="claims")]
told["fewer labels"] = [label.label_name for label in client.incidents.create_or_update(*place, name, fresh).properties.labels]

comment = models.IncidentComment(properties=models.IncidentCommentProperties(message="Seen <b>it</b>."))
made = client.incident_comments.create_or_update(*place, name, "4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0014", comment)
again = client.incident_comments.create_or_update(*place, name, "4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0014", comment)
told["comment"] = [made.name, made.properties.message, made.properties.author.name, again.name]
told["comments"] = [each.properties.message for each in client.incident_comments.list(*place, name)]
told["got comment"] = client.incident_comments.get(*place, name, made.name).properties.message
other = models.IncidentComment(properties=models.IncidentCommentProperties(message="Other."))
told["changed comment"] = refused(lambda: client.incident_comments.create_or_update(*place, name, made.name, other))
told["deleted comment"] = refused(lambda: client.incident_comments.delete(*place, name, made.name))

task = models.IncidentTask(properties=models.IncidentTaskProperties(title="Rotate", description="All keys", status="New"))
made = client.incident_tasks.create_or_update(*place, name, "4bb36b7b-26ff-4d1c-9cbe-0d8ab3da0015", task)
task.properties.status = "Completed"
done = client.incident_tasks.create_or_update(*place, name, made.name, task)
told["task"] = [made.properties.status, done.properties.status, done.properties.title]
told["tasks"] = [[each.name, each.properties.status] for each in client.incident_tasks.list(*place, name)]

alerts = client.incidents.list_alerts(*place, name)
told["alerts"] = [[each.kind, each.properties.alert_display_name, each.properties.severity] for each in alerts.value]
entities = client.incidents.list_entities(*place, name)
told["entities"] = [[each.kind, each.properties.friendly_name] for each in entities.entities]
told["counts"] = [[each.entity_kind, each.count] for each in entities.meta_data]
told["bookmarks"] = len(client.incidents.list_bookmarks(*place, name).value)
told["relations"] = len(list(client.incident_relations.list(*place, name)))

closing = client.incidents.get(*place, name)
closing.properties.status = "Closed"
told["unclassified"] = refused(lambda: client.incidents.create_or_update(*place, name, closing))
closing.properties.classification = "FalsePositive"
closing.properties.classification_reason = "SuspiciousActivity"
told["wrong reason"] = refused(lambda: client.incidents.create_or_update(*place, name, closing))
closing.properties.classification_reason = "InaccurateData"
closing.properties.classification_comment = "A test."
closed = client.incidents.create_or_update(*place, name, closing)
told["closed"] = [closed.properties.status, closed.properties.classification, closed.properties.classification_reason]

told["deleted"] = refused(lambda: client.incidents.delete(*place, name))
told["missing"] = refused(lambda: client.incidents.get(*place, "73e01a99-5cd7-4139-a149-9f2736ff2ab5"))
new = models.Incident(properties=models.IncidentProperties(title="x", severity="Low", status="New"))
told["created"] = refused(lambda: client.incidents.create_or_update(*place, "73e01a99-5cd7-4139-a149-9f2736ff2ab5", new))
print(json.dumps(told))
