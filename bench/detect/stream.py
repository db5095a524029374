"""How soon rules see events, and what that costs. See README.md."""

import argparse
import http.client
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import traffic

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lake"))
import server  # noqa: E402

CALL = 500
BODIES = 8
MARKED = """id: 5c1a2f5e-9a0e-4b6f-8f3e-000000000001
name: Bench marker
kind: Scheduled
severity: Informational
queryFrequency: 5m
queryPeriod: 5m
triggerOperator: gt
triggerThreshold: 0
query: SigninLogs | where AppDisplayName startswith 'bench-marker-'
eventGroupingSettings: { aggregationKind: AlertPerResult }
alertDetailsOverride: { alertDisplayNameFormat: '{{AppDisplayName}}' }
entityMappings:
  - entityType: Account
    fieldMappings: [ { identifier: FullName, columnName: UserPrincipalName } ]
"""
# Rules that raise while the marker is measured: one half by events, the other by groups.
RAISING = 10
RAISES = """id: 5c1a2f5e-9a0e-4b6f-8f3e-0000000001{at:02}
name: Bench rule {at} that raises
kind: Scheduled
severity: Low
queryFrequency: 5m
queryPeriod: 5m
triggerOperator: gt
triggerThreshold: 0
query: {query}
eventGroupingSettings: {{ aggregationKind: AlertPerResult }}
entityMappings:
  - entityType: Account
    fieldMappings: [ {{ identifier: FullName, columnName: {user} }} ]
"""
BY_EVENT = "OfficeActivity | where Operation == 'bench-raises-{at}'"
BY_GROUP = "SigninLogs | where AppDisplayName == 'bench-raises-{at}' | summarize Times = count() by UserPrincipalName | where Times >= 2"


def path(table: str) -> str:
    return f"/dataCollectionRules/dcr-castellan/streams/Microsoft-{table}?api-version=2023-01-01"


def post(connection: http.client.HTTPConnection, table: str, body: bytes) -> int:
    connection.request("POST", path(table), body, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def client(tables: list, port: int, rate: float, begin: float, seconds: float, results) -> None:
    """Sends the bodies of its tables, one after the other, at a rate of events a second."""
    bodies = [(table, traffic.body(table, at, CALL)) for at in range(BODIES) for table in tables]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    results.put(0)
    time.sleep(max(0, begin - time.time()))
    started, done, taken = time.monotonic(), 0, 0
    while time.monotonic() - started < seconds:
        due = started + done * CALL / rate
        if due > time.monotonic():
            time.sleep(due - time.monotonic())
        table, body = bodies[done % len(bodies)]
        done += 1
        if post(connection, table, body) == 204:
            taken += CALL
    results.put(taken)


def mark(running: server.Server, seconds: float, waits: list) -> None:
    """Once a second, an event that a rule looks for, and how long its alert takes."""
    connection, ended = running.connection(), time.monotonic() + seconds
    while time.monotonic() < ended:
        name = f"bench-marker-{uuid.uuid4()}"
        body = json.dumps([{"AppDisplayName": name, "UserPrincipalName": "marker@example.com"}]).encode()
        sent = time.monotonic()
        if post(connection, "SigninLogs", body) != 204:
            continue
        while running.query(f"SecurityAlert | where AlertName == '{name}' | count")[0] != [[1]]:
            if time.monotonic() - sent > 120:
                break
            time.sleep(0.02)
        waits.append(time.monotonic() - sent)
        time.sleep(max(0, 1 - (time.monotonic() - sent)))


def raising(into: str) -> None:
    """Writes the rules that raise."""
    for at in range(RAISING):
        query, user = (BY_GROUP, "UserPrincipalName") if at % 2 else (BY_EVENT, "UserId")
        with open(os.path.join(into, f"raises-{at}.yaml"), "w") as file:
            file.write(RAISES.format(at=at, query=query.format(at=at), user=user))


def raise_alerts(running: server.Server, rate: float, seconds: float) -> None:
    """So many times a second what one of those rules looks for, of one of 500 users."""
    connection, began, done = running.connection(), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        time.sleep(max(0, began + done / rate - time.monotonic()))
        at, user = done % RAISING, f"raises{done * 7 % 500}@example.com"
        if at % 2:
            rows, table = [{"AppDisplayName": f"bench-raises-{at}", "UserPrincipalName": user}] * 2, "SigninLogs"
        else:
            rows, table = [{"Operation": f"bench-raises-{at}", "UserId": user, "OfficeObjectId": str(done)}], "OfficeActivity"
        post(connection, table, json.dumps(rows).encode())
        done += 1


def choose(castellan: str, folder: str, count: int, into: str) -> int:
    """Copies rules that are about the tables of the bench, then others, as far as they run."""
    names = sorted(name for name in os.listdir(folder) if name.endswith((".yaml", ".yml")))
    texts = {name: open(os.path.join(folder, name), encoding="utf-8-sig").read() for name in names}
    about = re.compile(r"\b(" + "|".join(traffic.TABLES) + r")\b")
    names.sort(key=lambda name: not about.search(texts[name]))
    # Rules that call parsers of a workspace cannot be run here: they are left out by running each over next to nothing.
    lake, row = os.path.join(into, "..", "next-to-nothing"), os.path.join(into, "..", "row.jsonl")
    with open(row, "w") as file:
        file.write("{}\n")
    subprocess.run([castellan, "ingest", "SigninLogs", row, "--lake", lake, "--quiet"], check=True)
    chosen = 0
    for name in names:
        if chosen == count:
            break
        target = os.path.join(into, name)
        shutil.copy(os.path.join(folder, name), target)
        tried = [castellan, "detect", "run", target, "--lake", lake, "--dry-run"]
        if subprocess.run(tried, capture_output=True).returncode == 0:
            chosen += 1
        else:
            os.remove(target)
    return chosen


class Analytics(server.Server):
    """A server with rules, whose words on standard error are kept."""

    def __init__(self, castellan: str, folder: str, rules: str):
        self.lines = []
        command = [castellan, "up", "--lake", folder, "--listen", "127.0.0.1:0", "--analytics", rules]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.port = 0
        threading.Thread(target=self.read, daemon=True).start()
        while not self.port or not any("are told of each event" in line for line in self.lines):
            time.sleep(0.1)
            if self.process.poll() is not None:
                raise SystemExit("castellan ended: " + "".join(self.lines[-5:]))

    def read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"castellan is up at https?://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--castellan", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("--count", type=int, default=299)
    parser.add_argument("--rate", type=float, default=50_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--alerts", type=float, default=0, help="alerts a second that ten rules of the bench raise meanwhile")
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="castellan-stream-")
    rules = os.path.join(folder, "rules")
    os.makedirs(rules)
    chosen = choose(given.castellan, given.rules, given.count, rules)
    with open(os.path.join(rules, "marker.yaml"), "w") as file:
        file.write(MARKED)
    if given.alerts:
        raising(rules)
    running = Analytics(given.castellan, os.path.join(folder, "lake"), rules)
    try:
        results, begin = multiprocessing.Queue(), time.time() + 12
        # Two clients, each with half of the tables by their shares.
        tables = [table for table, (_, share) in traffic.TABLES.items() for _ in range(share // 5)]
        parts = [tables[at::2] for at in range(2)]
        arguments = [(part, running.port, given.rate / 2, begin, given.seconds, results) for part in parts]
        clients = [multiprocessing.Process(target=client, args=each) for each in arguments]
        for each in clients:
            each.start()
        for _ in clients:
            results.get()
        time.sleep(max(0, begin - time.time()))
        waits: list = []
        cpu, began = running.cpu_seconds(), time.monotonic()
        marker = threading.Thread(target=mark, args=(running, given.seconds, waits))
        marker.start()
        if given.alerts:
            threading.Thread(target=raise_alerts, args=(running, given.alerts, given.seconds), daemon=True).start()
        taken = sum(results.get() for _ in clients)
        took = time.monotonic() - began
        cpu = running.cpu_seconds() - cpu
        marker.join()
        waits.sort()
        alerts = running.query("SecurityAlert | summarize count(), dcount(AlertType)")[0][0]
        incidents = running.query("SecurityIncident | summarize dcount(IncidentNumber)")[0][0][0]
        report = {
            "rules": chosen + 1 + (RAISING if given.alerts else 0),
            "how": next(line for line in running.lines if "are told of each event" in line).strip(),
            "events": taken,
            "events_per_second": round(taken / took),
            "event_to_alert_seconds": {
                "median": round(waits[len(waits) // 2], 2),
                "p99": round(waits[int(len(waits) * 0.99)], 2),
                "longest": round(waits[-1], 2),
                "measured": len(waits),
            },
            "processors_used": round(cpu / took, 2),
            "memory_peak_mib": running.memory() >> 20,
            "alerts": alerts[0],
            "rules_that_raised": alerts[1],
            "incidents": incidents,
            "rules_that_fail": sum("cannot be run" in line for line in running.lines),
        }
        print(json.dumps(report, indent=2))
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
