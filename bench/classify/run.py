#!/usr/bin/env python3
"""Scans the same texts with Castellan, Presidio (without a neural model) and detect-secrets, and compares the times.

README.md beside this file says what is timed. Exit code 1: a program failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from texts import generate

HERE = Path(__file__).parent
KINDS = ("source", "logs", "personal", "secrets", "prose")
PEERS = ("presidio", "detect-secrets")
VENV = Path.home() / ".cache/castellan/venv-peers"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--castellan", metavar="PROGRAM", help="the release binary; without it the peers run alone")
    parser.add_argument(
        "--castellan-arguments",
        default="classify --batch {file}",
        metavar="TEMPLATE",
        help="{file} becomes the JSON lines (default: %(default)s)",
    )
    parser.add_argument("--venv", type=Path, default=VENV, help="made when absent (default: %(default)s)")
    parser.add_argument("--no-peers", action="store_true", help="run Castellan alone")
    parser.add_argument("--sources", type=Path, help="a folder of crates (default: cargo's registry)")
    parser.add_argument("--bytes", type=int, default=1_000_000, help="of each kind of text (default: %(default)s)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="(default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="the best counts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


def registry() -> Path:
    """The sources of crates that cargo has fetched."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    folders = sorted((home / "registry/src").glob("*"))
    if not folders:
        sys.exit(f"there are no crates in {home}/registry/src; `cargo fetch`, or give --sources")
    return folders[0]


def peers_python(folder: Path) -> Path:
    """The Python of the virtual environment, which is made and filled when that has not been done."""
    python = folder / "bin/python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    wanted = HERE / "requirements.txt"
    marker = folder / "castellan-requirements.txt"
    if not marker.exists() or marker.read_text() != wanted.read_text():
        print(f"installing the peers into {folder} ...", file=sys.stderr, flush=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        marker.write_text(wanted.read_text())
    return python


def castellan(command: list[str], file: Path, runs: int) -> dict:
    """The whole process: start, reading, scanning, writing."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        done = subprocess.run([part.replace("{file}", str(file)) for part in command], capture_output=True, text=True)
        seconds.append(time.perf_counter() - started)
        # 1 says that something was found, where that was asked for.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[:300]}")
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    texts = len(file.read_text().splitlines())
    if len(answers) != texts:
        raise RuntimeError(f"{len(answers)} answers for {texts} texts")
    return {"seconds": seconds, "findings": sum(len(answer["findings"]) for answer in answers)}


def peer(python: Path, name: str, file: Path, runs: int) -> dict:
    done = subprocess.run([python, HERE / "peers.py", name, file, str(runs)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-300:])
    return json.loads(done.stdout.splitlines()[-1])


def print_row(row: dict) -> None:
    if "error" in row:
        print(f"{row['kind']:10} {row['program']:16} failed: {row['error']}", flush=True)
        return
    ratio = f"{row['ratio']:.1f}x" if "ratio" in row else "-"
    print(
        f"{row['kind']:10} {row['program']:16} {row['bytes']:>10} {row['best']:>9.3f} {row['rate']:>9.3f} {ratio:>8}"
        f" {row['findings']:>9}",
        flush=True,
    )


def measure(kind: str, texts: list[str], programs: dict, folder: Path) -> list[dict]:
    """One kind of text with every program. The ratio says how many times as long as Castellan a peer takes."""
    file = folder / f"{kind}.jsonl"
    file.write_text("".join(json.dumps({"id": str(number), "text": text}) + "\n" for number, text in enumerate(texts)))
    size = sum(len(text.encode()) for text in texts)
    rows, own = [], None
    for name, run in programs.items():
        row = {"kind": kind, "program": name, "bytes": size}
        try:
            row |= run(file)
        except (RuntimeError, OSError, ValueError) as error:
            row["error"] = str(error)
        else:
            row["best"] = min(row["seconds"])
            row["rate"] = size / row["best"] / 1e6
            own = row["best"] if name == "castellan" else own
            if own is not None:
                row["ratio"] = row["best"] / own
        rows.append(row)
        print_row(row)
    return rows


def main() -> int:
    options = arguments()
    kinds = options.kinds.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        sys.exit(f"there is no kind `{unknown[0]}`; there are {', '.join(KINDS)}")
    programs = {}
    if options.castellan:
        command = [options.castellan, *options.castellan_arguments.split()]
        programs["castellan"] = lambda file: castellan(command, file, options.runs)
    if not options.no_peers:
        python = peers_python(options.venv)
        for name in PEERS:
            programs[name] = lambda file, name=name: peer(python, name, file, options.runs)
    if not programs:
        sys.exit("nothing to do: give --castellan, or leave out --no-peers")
    texts = generate(kinds, options.bytes, options.seed, options.sources or registry())
    print("Presidio runs without a neural model: its recognisers of patterns and their context words alone.")
    print("Castellan: the whole process. Peers: the scan alone, without their start. The best of", options.runs)
    print(f"{'text':10} {'program':16} {'bytes':>10} {'seconds':>9} {'MB/s':>9} {'ratio':>8} {'findings':>9}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            rows += measure(kind, texts[kind], programs, Path(folder))
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, "rows": rows}, indent=2) + "\n")
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
