"""How many events a second the lake takes, and how soon it says so. See README.md."""

import argparse
import json
import multiprocessing
import os
import random
import shutil
import tempfile
import time
import uuid

import events
import server

PATH = "/dataCollectionRules/dcr-castellan/streams/Microsoft-SigninLogs?api-version=2023-01-01"
CALL = 800
BODIES = 24


def client(number: int, port: int, calls: int, pause: float, until: float, results) -> None:
    """Sends bodies that were made before, each as a call of its own."""
    import http.client

    bodies = [events.body(number * 1_000 + at, CALL) for at in range(BODIES)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    results.put(("ready", number, None, None))
    time.sleep(max(0, until - time.time()))
    waits, busy, begun, done = [], 0, time.monotonic(), 0
    while done < calls:
        due = begun + done * pause
        if pause and due > time.monotonic():
            time.sleep(due - time.monotonic())
        headers = {"content-type": "application/json", "x-ms-client-request-id": str(uuid.uuid4())}
        sent = time.monotonic()
        connection.request("POST", PATH, bodies[done % BODIES], headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 204:
            waits.append(time.monotonic() - sent)
            done += 1
        elif answer.status in (429, 503):
            busy += 1
            time.sleep(0.05)
        else:
            raise SystemExit(f"status {answer.status}")
    results.put(("done", number, waits, busy))


def percentile(sorted_values: list, share: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def visible(running: server.Server) -> list:
    """Milliseconds from the acknowledgement of an event until a query sees it."""
    waits = []
    for _ in range(20):
        mark = str(uuid.uuid4())
        connection = running.connection()
        body = json.dumps([{"CorrelationId": mark}])
        connection.request("POST", PATH, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        acknowledged = time.monotonic()
        while running.query(f"SigninLogs | where CorrelationId == '{mark}' | count")[0] != [[1]]:
            pass
        waits.append((time.monotonic() - acknowledged) * 1_000)
    return sorted(waits)


def to_delta(running: server.Server, folder: str) -> list:
    """Seconds from the acknowledgement of an event until a commit of the table has it."""
    log = os.path.join(folder, "tables", "SigninLogs", "_delta_log")
    waits = []
    for _ in range(3):
        before = sorted(name for name in os.listdir(log) if name.endswith(".json"))[-1]
        connection = running.connection()
        connection.request("POST", PATH, "[{}]", {"content-type": "application/json"})
        connection.getresponse().read()
        acknowledged = time.monotonic()
        while sorted(name for name in os.listdir(log) if name.endswith(".json"))[-1] <= before:
            time.sleep(0.01)
        waits.append(round(time.monotonic() - acknowledged, 2))
    return waits


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--castellan", required=True)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rate", type=float, help="events a second; as many as can be otherwise")
    parser.add_argument("--seconds", type=float, help="how long, in the place of --events")
    parser.add_argument("--clients", type=int, default=8)
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="castellan-load-")
    running = server.Server(given.castellan, folder)
    try:
        total = given.events
        if given.seconds:
            total = int((given.rate or 60_000) * given.seconds)
        calls = max(1, total // (CALL * given.clients))
        pause = given.clients * CALL / given.rate if given.rate else 0
        results = multiprocessing.Queue()
        until = time.time() + 8
        # The clients' bodies are made before the clock starts.
        arguments = [(at, running.port, calls, pause, until, results) for at in range(given.clients)]
        clients = [multiprocessing.Process(target=client, args=each) for each in arguments]
        for each in clients:
            each.start()
        for _ in clients:
            results.get()
        time.sleep(max(0, until - time.time()))
        cpu, begun = running.cpu_seconds(), time.monotonic()
        done = [results.get() for _ in clients]
        took = time.monotonic() - begun
        acknowledged_cpu = running.cpu_seconds() - cpu
        waits = sorted(wait * 1_000 for _, _, waits, _ in done for wait in waits)
        count = calls * CALL * given.clients
        while running.query("SigninLogs | count")[0] != [[count]]:
            time.sleep(0.2)
        seen = visible(running)
        time.sleep(30)
        delta = to_delta(running, folder)
        report = {
            "events": count,
            "bytes_per_event": len(events.body(1, CALL)) // CALL,
            "seconds": round(took, 2),
            "events_per_second": round(count / took),
            "cpu_microseconds_per_event": round(acknowledged_cpu * 1e6 / count, 2),
            "events_per_second_per_core": round(count / acknowledged_cpu),
            "cpu_microseconds_per_event_with_upkeep": round((running.cpu_seconds() - cpu) * 1e6 / count, 2),
            "acknowledged_ms": {share: round(percentile(waits, share), 1) for share in (0.5, 0.95, 0.99, 0.999)},
            "visible_ms": {"median": round(seen[len(seen) // 2], 1), "greatest": round(seen[-1], 1)},
            "to_delta_seconds": delta,
            "refused_for_now": sum(busy for *_, busy in done),
            "memory_peak_mib": running.memory() >> 20,
            "disk_bytes_per_event": round(server.size(folder) / count, 1),
        }
        print(json.dumps(report, indent=2))
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
