"""Opens a table of a lake with readers of others, and prints what they find: one JSON object."""

import json
import sys

import deltalake
import duckdb
import duckdb_extensions

folder = sys.argv[1]
table = deltalake.DeltaTable(folder)
found = table.to_pyarrow_table()
connection = duckdb.connect()
duckdb_extensions.import_extension("delta", con=connection)
connection.execute("load delta")
query = """select count(*), count(distinct UserPrincipalName), epoch_us(min(TimeGenerated)), epoch_us(max(TimeGenerated))
from delta_scan(?)"""
count, users, first, last = connection.execute(query, [folder]).fetchone()
few = "select UserPrincipalName from delta_scan(?) where TimeGenerated >= '2026-03-03' order by all limit 1"
print(
    json.dumps(
        {
            "deltalake": {
                "rows": found.num_rows,
                "versions": table.version() + 1,
                "type": str(found.schema.field("TimeGenerated").type),
                "partitions": table.metadata().partition_columns,
            },
            "duckdb": {
                "rows": count,
                "users": users,
                "first": first,
                "last": last,
                "third day": connection.execute(few, [folder]).fetchone()[0],
            },
        }
    )
)
