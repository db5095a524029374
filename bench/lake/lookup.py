"""How long it takes to find a rare word among many rows. See README.md."""

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
import time

import events


def write(path: str, count: int, seed: int, day: int) -> str:
    """Rows of one day; gives a word that stands in one of them."""
    dice = random.Random(seed)
    # Making a hundred million different rows in Python takes hours: lines repeat, but for the words that are looked for.
    lines = [events.event(dice) for _ in range(20_000)]
    rare = events.guid(dice)
    with open(path, "w") as file:
        for at in range(count):
            line = lines[at % len(lines)]
            second = at * 86_399 // count
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            own = rare if at == count // 3 else f"{dice.getrandbits(64):016x}"
            file.write(f'{line[:-1]},"TimeGenerated":"2026-10-{day:02}T{clock}Z","OriginalRequestId":"{own}"}}\n')
    return rare


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--castellan", required=True)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=10)
    given = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="castellan-lookup-")
    try:
        lake, rare, begun = os.path.join(folder, "lake"), None, time.monotonic()
        for day in range(1, given.days + 1):
            file = os.path.join(folder, "rows.jsonl")
            rare = write(file, given.events // given.days, day, day)
            subprocess.run([given.castellan, "ingest", "SigninLogs", file, "--lake", lake, "--quiet"], check=True)
            os.remove(file)
        took = time.monotonic() - begun
        subprocess.run([given.castellan, "lake", "tidy", "--lake", lake], check=True)
        size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(lake) for name in names)
        report = {"events": given.events, "seconds_to_make": round(took), "disk_bytes_per_event": round(size / given.events, 1)}
        queries = {
            "has": f"SigninLogs | where OriginalRequestId has '{rare}' | project TimeGenerated",
            "equals": f"SigninLogs | where OriginalRequestId == '{rare}' | project TimeGenerated",
            "absent": "SigninLogs | where OriginalRequestId has 'ffffffff-0000-4000-8000-000000000000' | count",
            "contains": f"SigninLogs | where OriginalRequestId contains '{rare[1:20]}' | project TimeGenerated",
            "count": "SigninLogs | count",
        }
        for name, query in queries.items():
            times = []
            for _ in range(3):
                begun = time.monotonic()
                subprocess.run([given.castellan, "query", query, "--lake", lake], check=True, capture_output=True)
                times.append(time.monotonic() - begun)
            report[f"{name}_seconds"] = [round(each, 3) for each in times]
        print(json.dumps(report, indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
