"""What a request through the gate costs, beside nginx and LiteLLM. See README.md."""

import argparse
import http.client
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PATH = "/v1/chat/completions"
LITELLM = pathlib.Path.home() / ".cache/castellan/clients/litellm"
PORTS = {"stub": 8901, "nginx": 8902, "litellm": 8903, "relay": 8904, "gate": 8905}


def answers(port: int) -> bool:
    """Whether a chat completion is answered as it should be."""
    body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "hello"}]})
    headers = {"content-type": "application/json", "authorization": "Bearer " + os.environ["GATE_KEY"]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", PATH, body, headers)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Server:
    """A process with all its children, and a port on which it answers."""

    def __init__(self, name: str, command: list, folder: str, seconds: float = 300):
        self.name, self.port = name, PORTS[name]
        self.log = open(pathlib.Path(folder) / f"{name}.log", "wb")
        self.process = subprocess.Popen(command, cwd=folder, stdout=self.log, stderr=self.log, start_new_session=True)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{name} ended with status {self.process.returncode}; see {self.log.name}")
            if answers(self.port):
                return
            time.sleep(0.5)
        self.stop()
        raise RuntimeError(f"{name} does not answer on port {self.port}; see {self.log.name}")

    def resident_mb(self) -> float:
        """Resident memory of the process and its children, in MB; shared pages count once for each."""
        parents = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rsplit(")", 1)[1].split()
                parents[int(entry.parent.name)] = int(fields[1])
            except (OSError, IndexError):
                continue
        family, grows = {self.process.pid}, True
        while grows:
            more = {child for child, parent in parents.items() if parent in family} - family
            family, grows = family | more, bool(more)
        total = 0
        for process in family:
            try:
                total += int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[1])
            except (OSError, IndexError):
                continue
        return round(total * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)

    def stop(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        except ProcessLookupError:
            pass
        self.log.close()


def wrk(port: int, script: str, seconds: int) -> dict:
    """Requests a second of a closed loop of 32 connections; times in microseconds."""
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(HERE / script), f"http://127.0.0.1:{port}{PATH}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    result = json.loads(line.removeprefix("RESULT "))
    result["rate"] = round(result["requests"] / result["seconds"], 1)
    return result


def paced(load: str, port: int, rate: int, seconds: int, key_file: str, vary: bool) -> dict:
    """Times at a fixed rate, each from when its request was due, in microseconds."""
    command = [load, f"http://127.0.0.1:{port}{PATH}", "--rate", str(rate), "--seconds", str(seconds), "--key", key_file]
    output = subprocess.run(command + ["--vary"] * vary, check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def measure(name: str, options, key_file: str, server) -> dict:
    port, result = PORTS[name], {}
    wrk(port, "same.lua", 2)
    result["memory_before_mb"] = server.resident_mb()
    result["same"] = wrk(port, "same.lua", options.seconds)
    result["differ"] = wrk(port, "differ.lua", options.seconds)
    # A server that cannot keep the pace has no latency at it, only a queue that grows.
    if min(result["same"]["rate"], result["differ"]["rate"]) > 1.2 * options.rate:
        result["paced"] = paced(options.load, port, options.rate, options.seconds, key_file, vary=True)
    result["memory_after_mb"] = server.resident_mb()
    return result


def commands(options, folder: str) -> dict:
    shutil.copy(HERE / "nginx.conf", folder)
    shutil.copy(HERE / "litellm.yaml", folder)
    found = {"nginx": ["nginx", "-p", folder, "-c", "nginx.conf"]}
    if options.relay:
        found["relay"] = [options.relay, "127.0.0.1:8904", "http://127.0.0.1:8901/v1"]
    if options.castellan:
        found["gate"] = [options.castellan, "gate", "--config", str(pathlib.Path(options.config).resolve())]
    if not options.no_litellm:
        # A worker that is not up within the time for its health check is killed, and takes longer on a busy machine.
        found["litellm"] = [str(LITELLM / "bin/litellm"), "--config", "litellm.yaml", "--host", "127.0.0.1", "--port", "8903",
                            "--num_workers", "2", "--timeout_worker_healthcheck", "240"]
    return {name: command for name, command in found.items() if not options.only or name in options.only}


def install_litellm() -> None:
    if not (LITELLM / "bin/litellm").exists():
        subprocess.run(["python3", "-m", "venv", str(LITELLM)], check=True)
        subprocess.run([str(LITELLM / "bin/pip"), "install", "-q", "litellm[proxy]"], check=True)


def table(results: dict) -> str:
    lines = ["| through | requests/s, same prompt | requests/s, prompts differ | added p50 us | added p99 us | MB |",
             "|---|---|---|---|---|---|"]
    direct = results["stub"].get("paced")
    for name, one in results.items():
        if "error" in one:
            lines.append(f"| {name} | not measured: {one['error']} | | | | |")
            continue
        added = ["", ""]
        if direct and "paced" in one and name != "stub":
            added = [str(one["paced"][share] - direct[share]) for share in ("p50", "p99")]
        same, differ = (f"{one[kind]['rate']:,.0f}" + (f" ({one[kind]['errors']} errors)" if one[kind]["errors"] else "")
                        for kind in ("same", "differ"))
        lines.append(f"| {name} | {same} | {differ} | {added[0]} | {added[1]} | {one['memory_after_mb']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stub", required=True, help="the example `stub`")
    parser.add_argument("--load", required=True, help="the example `load`")
    parser.add_argument("--relay", help="the example `relay`")
    parser.add_argument("--castellan", help="the binary, to measure the gate")
    parser.add_argument("--config", default=str(HERE / "castellan.toml"), help="the gate's configuration, with port 8905")
    parser.add_argument("--no-litellm", action="store_true")
    parser.add_argument("--only", action="append", choices=sorted(PORTS), help="measure these beside the stub; all when not given")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--out", default="gate.json")
    options = parser.parse_args()
    if not options.no_litellm:
        install_litellm()
    folder = tempfile.mkdtemp(prefix="castellan-gate-")
    # LiteLLM wants its key to begin so.
    key = "sk-" + secrets.token_hex(24)
    key_file = pathlib.Path(folder) / "key"
    key_file.write_text(key)
    os.environ.update(GATE_KEY=key, LITELLM_LOCAL_MODEL_COST_MAP="True")
    results, stub = {}, Server("stub", [options.stub, "127.0.0.1:8901"], folder)
    try:
        results["stub"] = measure("stub", options, str(key_file), stub)
        for name, command in commands(options, folder).items():
            server = None
            try:
                server = Server(name, command, folder)
                results[name] = measure(name, options, str(key_file), server)
            except (RuntimeError, OSError, subprocess.CalledProcessError, StopIteration) as error:
                results[name] = {"error": str(error)}
            finally:
                if server:
                    server.stop()
    finally:
        stub.stop()
    report = {"cores": os.cpu_count(), "load_average": os.getloadavg(), "seconds": options.seconds, "results": results}
    pathlib.Path(options.out).write_text(json.dumps(report, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
