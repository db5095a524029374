"""Drives a server with azure-mgmt-resourcegraph and prints what it got: endpoint, certificate, token."""

import json
import sys

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import FacetRequest, QueryRequest, QueryRequestOptions

endpoint, certificate, token = sys.argv[1:]


class Credential:
    def get_token(self, *_, **__):
        return AccessToken(token, 4102444800)


client = ResourceGraphClient(
    Credential(),
    base_url=endpoint,
    credential_scopes=["https://castellan.example/.default"],
    connection_verify=certificate,
    retry_total=0,
)


def ask(query, subscriptions=None, facets=None, **options):
    options = QueryRequestOptions(**options) if options else None
    return client.resources(QueryRequest(query=query, subscriptions=subscriptions, options=options, facets=facets))


told = {}
answer = ask("resources | sort by name asc | project name, n = toint(properties.n)", top=2)
told["objects"] = answer.data
told["counts"] = [answer.total_records, answer.count, answer.result_truncated]

names, next_page = [], None
while True:
    page = ask("Resources | project name | order by name asc", top=2, skip_token=next_page)
    names += [row["name"] for row in page.data]
    next_page = page.skip_token
    if next_page is None:
        break
told["pages"] = names

table = ask("Resources | where name == 'r4' | project name, properties", result_format="table").data
told["table"] = [[[column["name"], column["type"]] for column in table["columns"]], table["rows"]]
told["subscription"] = [row["name"] for row in ask("Resources", subscriptions=["S2"]).data]

facets = ask("Resources", facets=[FacetRequest(expression="location"), FacetRequest(expression="nobody")]).facets
first = facets[0]
told["facet"] = [first.result_type, first.total_records, [[row["location"], row["count"]] for row in first.data]]
told["facet error"] = facets[1].result_type

try:
    ask("Resources | where nobody == 1")
except HttpResponseError as error:
    inner = error.response.json()["error"]
    told["wrong"] = [error.status_code, inner["code"], inner["details"][0]["code"]]

print(json.dumps(told))
