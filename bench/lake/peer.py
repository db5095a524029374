"""The same calls of events, durable one by one, in programs that others keep events with. See README.md.

Each call is acknowledged when it survives a loss of power, as the lake does: a transaction that is synced. One client, so
that nobody waits for anybody; the lake is measured the same way, over HTTP.
"""

import argparse
import json
import os
import shutil
import sqlite3
import tempfile
import time
import uuid

import events
import server

CALL = 800
BODIES = 24
PATH = "/dataCollectionRules/dcr-castellan/streams/Microsoft-SigninLogs?api-version=2023-01-01"


def calls(count: int) -> list[bytes]:
    bodies = [events.body(at, CALL) for at in range(BODIES)]
    return [bodies[at % BODIES] for at in range(count)]


def lake(castellan: str, bodies: list[bytes], folder: str) -> dict:
    running = server.Server(castellan, folder)
    try:
        connection, begun = running.connection(), time.monotonic()
        for body in bodies:
            headers = {"content-type": "application/json", "x-ms-client-request-id": str(uuid.uuid4())}
            connection.request("POST", PATH, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                raise SystemExit(f"status {answer.status}")
        took = time.monotonic() - begun
        _, query = running.query("SigninLogs | where UserPrincipalName == 'user77@example.com' | count")
    finally:
        running.stop()
    return {"seconds": took, "query_seconds": query}


def sqlite(bodies: list[bytes], folder: str) -> dict:
    """Columns as the events have them, a write-ahead log that is synced with each transaction."""
    database = sqlite3.connect(os.path.join(folder, "events.db"), isolation_level=None)
    database.execute("pragma journal_mode=wal")
    database.execute("pragma synchronous=full")
    names = list(json.loads(bodies[0])[0])
    database.execute(f"create table SigninLogs ({', '.join(names)})")
    places = ", ".join("?" for _ in names)
    begun = time.monotonic()
    for body in bodies:
        rows = [
            [json.dumps(value) if isinstance(value, dict) else value for value in (event.get(name) for name in names)]
            for event in json.loads(body)
        ]
        database.execute("begin")
        database.executemany(f"insert into SigninLogs values ({places})", rows)
        database.execute("commit")
    took = time.monotonic() - begun
    begun = time.monotonic()
    database.execute("select count(*) from SigninLogs where UserPrincipalName = 'user77@example.com'").fetchall()
    return {"seconds": took, "query_seconds": time.monotonic() - begun}


def duckdb(bodies: list[bytes], folder: str) -> dict:
    """JSON read by the database itself from memory, a transaction a call."""
    import duckdb
    import pyarrow
    import pyarrow.json

    database = duckdb.connect(os.path.join(folder, "events.duckdb"))
    begun, is_first = time.monotonic(), True
    for body in bodies:
        lines = body[1:-1].replace(b"},{", b"}\n{")
        rows = pyarrow.json.read_json(pyarrow.BufferReader(lines))
        database.register("rows_of_call", rows)
        if is_first:
            database.execute("create table SigninLogs as select * from rows_of_call limit 0")
            is_first = False
        database.execute("insert into SigninLogs select * from rows_of_call")
    took = time.monotonic() - begun
    begun = time.monotonic()
    database.execute("select count(*) from SigninLogs where UserPrincipalName = 'user77@example.com'").fetchall()
    return {"seconds": took, "query_seconds": time.monotonic() - begun}


def delta(bodies: list[bytes], folder: str) -> dict:
    """A commit of Delta Lake a call, as the library's own writer makes it."""
    import deltalake
    import pyarrow
    import pyarrow.compute
    import pyarrow.json

    path = os.path.join(folder, "SigninLogs")
    begun = time.monotonic()
    for body in bodies:
        lines = body[1:-1].replace(b"},{", b"}\n{")
        deltalake.write_deltalake(path, pyarrow.json.read_json(pyarrow.BufferReader(lines)), mode="append")
    took = time.monotonic() - begun
    begun = time.monotonic()
    table = deltalake.DeltaTable(path).to_pyarrow_table(
        filters=[("UserPrincipalName", "=", "user77@example.com")], columns=["UserPrincipalName"]
    )
    table.num_rows
    return {"seconds": took, "query_seconds": time.monotonic() - begun}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--castellan", required=True)
    parser.add_argument("--calls", type=int, default=500)
    given = parser.parse_args()
    bodies, report = calls(given.calls), {}
    ways = {
        "castellan": lambda folder: lake(given.castellan, bodies, folder),
        "sqlite": lambda folder: sqlite(bodies, folder),
        "duckdb": lambda folder: duckdb(bodies, folder),
        # Commits get slower the more there are.
        "delta-rs": lambda folder: delta(bodies[: max(1, len(bodies) // 5)], folder),
    }
    for name, way in ways.items():
        folder = tempfile.mkdtemp(prefix="castellan-peer-")
        try:
            told = way(folder)
            count = given.calls if name != "delta-rs" else max(1, given.calls // 5)
            report[name] = {
                "events": count * CALL,
                "events_per_second": round(count * CALL / told["seconds"]),
                "query_seconds": round(told["query_seconds"], 4),
                "disk_bytes_per_event": round(server.size(folder) / (count * CALL), 1),
            }
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
