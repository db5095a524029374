"""The two engines behind one method: `ask(name, text)` gives an answer and the milliseconds it took."""

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

TABLES = ("SigninLogs", "AzureActivity", "GatewayLogs", "DeviceProcessEvents")


class EngineError(Exception):
    """The engine refused, failed, or took too long."""


@dataclass
class Answer:
    """Names and types (as the engine calls them) of the columns, and the rows."""

    columns: list[tuple[str, str]]
    rows: list[list]


class DuckDb:
    """DuckDB in this process, over views of the Parquet files."""

    def __init__(self, data: Path, threads: int):
        try:
            import duckdb
            import pytz  # noqa: F401 (DuckDB needs it to hand out times with a zone)
        except ImportError as missing:
            raise SystemExit(f"{missing}: `pip install duckdb pytz`, or pass --no-duckdb") from missing
        self.version = duckdb.__version__
        self.error = duckdb.Error
        self.connection = duckdb.connect()
        self.connection.execute(f"SET threads = {threads}")
        self.connection.execute("SET TimeZone = 'UTC'")
        for table in TABLES:
            files = str(data / table / "*.parquet").replace("'", "''")
            self.connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files}')")

    def ask(self, _name: str, text: str) -> tuple[Answer, float]:
        start = time.perf_counter()
        try:
            cursor = self.connection.execute(text)
            rows = cursor.fetchall()
        except self.error as error:
            raise EngineError(str(error).splitlines()[0]) from error
        milliseconds = 1000 * (time.perf_counter() - start)
        columns = [(column[0], str(column[1])) for column in cursor.description]
        return Answer(columns, [list(row) for row in rows]), milliseconds


class Castellan:
    """One process that lives as long as the benchmark and answers a line with a line."""

    def __init__(self, command: list[str], data: Path, threads: int, timeout: float):
        tables = [part for table in TABLES for part in ("--table", f"{table}={data / table}")]
        self.command = []
        for part in command:
            self.command += tables if part == "{tables}" else [part.replace("{threads}", str(threads))]
        self.timeout = timeout
        self.process = None
        self.buffer = b""

    def ask(self, name: str, text: str) -> tuple[Answer, float]:
        process = self.running()
        line = json.dumps({"id": name, "query": text}).encode() + b"\n"
        start = time.perf_counter()
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except BrokenPipeError as broken:
            self.close()
            raise EngineError("the process ended") from broken
        answer = self.line(start + self.timeout)
        milliseconds = 1000 * (time.perf_counter() - start)
        return self.read(name, answer), milliseconds

    def running(self) -> subprocess.Popen:
        if self.process is None:
            self.buffer = b""
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.process

    def line(self, deadline: float) -> bytes:
        """The next line of output. A process that is late or gone is given up; the next question starts another."""
        output = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            readable, _, _ = select.select([output], [], [], max(0.0, deadline - time.perf_counter()))
            chunk = os.read(output, 1 << 20) if readable else b""
            if not chunk:
                self.close()
                raise EngineError("the process ended" if readable else f"no answer in {self.timeout:g} s")
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    @staticmethod
    def read(name: str, line: bytes) -> Answer:
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise EngineError(f"the answer is no JSON: {error}") from error
        if answer.get("id") != name:
            raise EngineError(f"an answer to `{answer.get('id')}`")
        if "error" in answer:
            error = answer["error"]
            raise EngineError(str(error.get("message", error) if isinstance(error, dict) else error))
        return Answer([(column["name"], column["type"]) for column in answer["columns"]], answer["rows"])

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
