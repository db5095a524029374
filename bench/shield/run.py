#!/usr/bin/env python3
"""Judges the same texts with Castellan and with PyPI's rule-based and linear detectors, and compares the times.

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
KINDS = ("prompts", "pages", "documents")
# What each is compared with: judging attacks, or judging harms.
PEERS = {
    "ai-injection-guard": "attack",
    "injectionguard": "attack",
    "injectionshield": "attack",
    "nukon-pi-detect": "attack",
    "prompt-dictator": "attack",
    "prompt-inject-detect": "attack",
    "alt-profanity-check": "harm",
    "better-profanity": "harm",
}
VENV = Path.home() / ".cache/castellan/venv-shield-peers"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--castellan", metavar="PROGRAM", help="the example `judge_lines`, built for release; without it the peers run alone")
    parser.add_argument("--no-peers", action="store_true", help="Castellan alone")
    parser.add_argument("--venv", type=Path, default=VENV, help="where the peers are or will be installed (default: %(default)s)")
    parser.add_argument("--sources", type=Path, help="a folder of crates (default: cargo's registry)")
    parser.add_argument("--bytes", type=int, default=40_000, help="of each length of text (default: %(default)s)")
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


def judged(command: list) -> dict:
    """The seconds of judging alone, and of the whole process with its start and one run over all texts."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[-300:])
    figures = json.loads(done.stdout.splitlines()[-1])
    started = time.perf_counter()
    subprocess.run([*command[:-1], "1"], capture_output=True, check=True)
    return {"best": min(figures["seconds"]), "process": time.perf_counter() - started, "findings": figures["findings"]}


def measure(kind: str, texts: list[str], options: argparse.Namespace, python: Path | None, folder: Path) -> list[dict]:
    file = folder / f"{kind}.jsonl"
    file.write_text("".join(json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(texts)))
    size = sum(len(text.encode()) for text in texts)
    programs = {}
    if options.castellan:
        for what in ("attack", "harm"):
            programs[f"castellan, {what}"] = (what, [options.castellan, file, what, str(options.runs)])
    for name, what in PEERS.items() if python else ():
        programs[name] = (what, [python, "-W", "ignore", HERE / "peers.py", name, file, str(options.runs)])
    rows, own = [], {}
    for name, (what, command) in programs.items():
        row = {"kind": kind, "program": name, "what": what, "texts": len(texts), "bytes": size}
        try:
            row |= judged(command)
        except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as error:
            row["error"] = str(error)
        else:
            row["microseconds"] = row["best"] / len(texts) * 1e6
            if name.startswith("castellan"):
                own[what] = row["best"]
            if what in own:
                row["ratio"] = row["best"] / own[what]
        rows.append(row)
        show(row)
    return rows


def show(row: dict) -> None:
    if "error" in row:
        print(f"{row['kind']:10} {row['program']:21} failed: {row['error']}", flush=True)
        return
    ratio = f"{row['ratio']:.1f}x" if "ratio" in row else "-"
    print(
        f"{row['kind']:10} {row['program']:21} {row['texts']:>6} {row['microseconds']:>12.1f} {row['process']:>9.3f} {ratio:>8}"
        f" {row['findings']:>9}",
        flush=True,
    )


def main() -> int:
    options = arguments()
    kinds = options.kinds.split(",")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        sys.exit(f"there is no kind `{unknown[0]}`; there are {', '.join(KINDS)}")
    if options.no_peers and not options.castellan:
        sys.exit("nothing to do: give --castellan, or leave out --no-peers")
    python = None if options.no_peers else peers_python(options.venv)
    texts = generate(options.bytes, options.seed, options.sources or registry())
    print("us a text: judging alone, the best of", options.runs, "runs. process: start, reading and one run, in seconds.")
    print(f"{'text':10} {'program':21} {'texts':>6} {'us a text':>12} {'process':>9} {'ratio':>8} {'objections':>9}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            rows += measure(kind, texts[kind], options, python, Path(folder))
    if options.json:
        options.json.write_text(json.dumps({"seed": options.seed, "rows": rows}, indent=2) + "\n")
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
