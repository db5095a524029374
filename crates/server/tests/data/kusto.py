"""Drives a server with azure-kusto-data and prints what it got: endpoint, certificate, token."""

import json
import sys

from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoApiError, KustoMultiApiError
from azure.kusto.data.helpers import dataframe_from_result_table
from azure.kusto.data.kusto_trusted_endpoints import MatchRule, well_known_kusto_endpoints

endpoint, certificate, token = sys.argv[1:]
# A host of one's own has to be named as trusted, as the client's documentation says.
well_known_kusto_endpoints.add_trusted_hosts([MatchRule("localhost", True)], False)
text = KustoConnectionStringBuilder.with_aad_application_token_authentication(endpoint, token)
client = KustoClient(text)


def first(query, properties=None):
    return client.execute("castellan", query, properties).primary_results[0]


def failed(query, database="castellan"):
    try:
        client.execute(database, query)
    except KustoApiError as error:
        return error.get_api_error()
    raise AssertionError("no error")


told = {}
table = first("Events | where Count < 2 | sort by Count asc | project Count, User")
told["rows"] = [row.to_list() for row in table]
told["columns"] = [[column.column_name, column.column_type] for column in table.columns]

values = first("Types | where b").rows[0].to_list()
values[4], values[6], values[7] = str(values[4]), values[6].isoformat(), str(values[7])
told["types"] = values

properties = ClientRequestProperties()
properties.set_parameter("least", "6")
properties.set_parameter("who", "ann")
properties.set_option("servertimeout", __import__("datetime").timedelta(seconds=30))
query = "declare query_parameters(least: long, who: string); Events | where Count >= least and User == who | count"
told["parameters"] = first(query, properties)[0][0]

told["not a number"] = first("print a = real(nan), b = real(+inf)").rows[0].to_list()
forked = client.execute("castellan", "Events | fork (take 1) (project Count)").primary_results
told["fork"] = [len(one) for one in forked]
frame = dataframe_from_result_table(first("Events | project Count, TimeGenerated"))
told["frame"] = [[name, str(of)] for name, of in frame.dtypes.items()]

told["databases"] = [row["DatabaseName"] for row in first(".show databases")]
told["tables"] = [row["TableName"] for row in first(".show tables")]
schema = json.loads(first(".show database castellan schema as json")[0][0])
column = schema["Databases"]["castellan"]["Tables"]["Events"]["OrderedColumns"][0]
told["schema"] = [column["Name"], column["Type"], column["CslType"]]
told["cslschema"] = first(".show table Events cslschema")[0]["Schema"]

streamed = client.execute_streaming_query("castellan", "Events | project Count")
told["streamed"] = sum(1 for table in streamed.iter_primary_results() for _ in table)

error = failed("Events | where Nobody == 1")
told["semantic"] = [error.code, error.permanent]
told["refused"] = failed(".drop table Events").code
told["wrong database"] = failed("print 1", "another").code
properties = ClientRequestProperties()
properties.set_option("truncationmaxrecords", 3)
try:
    first("Events", properties)
    told["truncated"] = False
except KustoMultiApiError as error:
    told["truncated"] = error.get_api_errors()[0].code == "LimitsExceeded"

print(json.dumps(told))
