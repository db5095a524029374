#!/usr/bin/env python3
"""Counts what Castellan finds in texts that hold nothing: sources, prose, hashes, UUIDs, minified scripts, base64.

Sources and prose do hold e-mail addresses, URLs and names of authors, so findings are counted by kind of detector.
"""

import argparse
import base64
import json
import random
import re
import subprocess
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path

from run import registry
from texts import from_files

# Identifiers of people and secrets: what nobody expects in such texts.
SERIOUS = {"credential", "financial", "national-id", "tax-id", "passport", "drivers-license", "health"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--castellan", required=True, metavar="PROGRAM", help="the release binary")
    parser.add_argument("--castellan-arguments", default="classify --batch {file}", metavar="TEMPLATE", help="(default: %(default)s)")
    parser.add_argument("--bytes", type=int, default=5_000_000, help="of each kind of text (default: %(default)s)")
    parser.add_argument("--sources", type=Path, help="a folder of crates (default: cargo's registry)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="also print so many serious findings of each kind")
    arguments = parser.parse_args()
    categories = declared()
    print(f"{'text':10} {'MB':>6} {'serious >= 75':>14} {'>= 85':>6} {'other >= 75':>12}  most frequent")
    for kind, texts in kinds(arguments).items():
        row(kind, texts, categories, arguments)


def declared() -> dict[str, str]:
    """The category of each detector."""
    found = {}
    for path in (Path(__file__).parents[2] / "content/detectors").glob("*.yaml"):
        name = None
        for line in path.read_text().splitlines():
            if match := re.match(r"  - (?:\{ )?id: ([a-z0-9-]+)", line):
                name = match[1]
            if name and (match := re.search(r"\bcategory: ([a-z-]+)", line)):
                found[name] = match[1]
                name = None
    return found


def kinds(arguments: argparse.Namespace) -> dict[str, list[str]]:
    sources = arguments.sources or registry()
    rng = random.Random(arguments.seed)
    size = arguments.bytes
    return {
        "source": from_files(sorted(sources.glob("*/src/**/*.rs")), size, "Rust source"),
        "prose": from_files(sorted([*sources.glob("*/README.md"), *sources.glob("*/CHANGELOG.md")]), size, "prose"),
        "hashes": blocks(size, lambda: f"{rng.randbytes(20).hex()}  {rng.randbytes(32).hex()}  file-{rng.randrange(10**6)}"),
        "uuids": blocks(size, lambda: str(uuid.UUID(bytes=rng.randbytes(16), version=4))),
        "base64": blocks(size, lambda: base64.b64encode(rng.randbytes(57 * rng.randint(1, 20))).decode()),
        "numbers": blocks(size, lambda: " ".join(str(rng.randrange(10 ** rng.randint(1, 16))) for _ in range(8))),
        "minified": minified(size, rng),
    }


def blocks(size: int, line) -> list[str]:
    """Texts of some kilobytes, made of lines."""
    texts, current, total = [], [], 0
    while total < size:
        current.append(line())
        total += len(current[-1]) + 1
        if sum(map(len, current)) > 8_000:
            texts.append("\n".join(current))
            current = []
    return [*texts, "\n".join(current)]


def minified(size: int, rng: random.Random) -> list[str]:
    """What a bundler leaves: short names, numbers, no blanks."""
    name = lambda: "".join(rng.choices("abcdefghijklmnopqrstuvwxyz$_", k=rng.randint(1, 2)))
    parts = [
        lambda: f"function {name()}({name()},{name()}){{return {name()}({rng.randrange(10**5)})}}",
        lambda: f"var {name()}=0x{rng.randrange(16**8):x},{name()}=\"{rng.randbytes(6).hex()}\";",
        lambda: f"{name()}.{name()}[{rng.randrange(10**9)}]={name()}?{rng.random():.6f}:{name()}|{rng.randrange(10**7)};",
    ]
    return blocks(size, lambda: "".join(rng.choice(parts)() for _ in range(100)))


def row(kind: str, texts: list[str], categories: dict[str, str], arguments: argparse.Namespace) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"id": number, "text": text}) + "\n")
        file.flush()
        told = subprocess.run([arguments.castellan, *arguments.castellan_arguments.format(file=file.name).split()], capture_output=True, check=True)
    serious, sure, others, types, shown = 0, 0, 0, Counter(), []
    for line in told.stdout.splitlines():
        answer = json.loads(line)
        for finding in answer["findings"]:
            if finding["confidence"] < 75:
                continue
            if categories.get(finding["type"]) in SERIOUS:
                serious += 1
                sure += finding["confidence"] >= 85
                types[finding["type"]] += 1
                shown.append((finding["type"], texts[answer["id"]][finding["start"] : finding["end"]]))
            else:
                others += 1
    size = sum(len(text.encode()) for text in texts) / 1e6
    most = ", ".join(f"{name} {count}" for name, count in types.most_common(4))
    print(f"{kind:10} {size:6.1f} {serious:14} {sure:6} {others:12}  {most}")
    for name, text in shown[: arguments.show]:
        print(f"    {name}: {text[:80]!r}")


if __name__ == "__main__":
    sys.exit(main())
