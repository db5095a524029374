"""A `castellan up --lake` for as long as a measurement runs."""

import http.client
import json
import os
import re
import subprocess
import time


class Server:
    def __init__(self, castellan: str, folder: str):
        self.process = subprocess.Popen(
            [castellan, "up", "--lake", folder, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
        )
        for line in self.process.stderr:
            found = re.search(r"https?://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                return
        raise SystemExit("castellan did not start")

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field: str = "VmHWM") -> int:
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith(field + ":"))

    def query(self, text: str) -> tuple[list, float]:
        begun = time.monotonic()
        connection = self.connection()
        connection.request(
            "POST",
            "/v1/workspaces/00000000-0000-0000-0000-000000000000/query",
            json.dumps({"query": text}),
            {"content-type": "application/json"},
        )
        answer = json.load(connection.getresponse())
        if "tables" not in answer:
            raise SystemExit(f"the query failed: {answer}")
        return answer["tables"][0]["rows"], time.monotonic() - begun

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def size(folder: str) -> int:
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
