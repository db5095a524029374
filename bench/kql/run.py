#!/usr/bin/env python3
"""Runs the same questions on Castellan (KQL) and on DuckDB (SQL), compares the answers and the times.

README.md beside this file says how to get the data and DuckDB. Exit code 1: an answer is missing or differs.
"""

import argparse
import json
import math
import os
import sys
from pathlib import Path

from compare import Expectation, difference
from engines import TABLES, Castellan, DuckDb, EngineError

QUERIES = Path(__file__).parent / "queries"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="what `cargo xtask generate-events --out` wrote")
    parser.add_argument("--castellan", metavar="PROGRAM", help="the binary; without it DuckDB runs alone")
    parser.add_argument(
        "--castellan-arguments",
        default="query --batch {tables}",
        metavar="TEMPLATE",
        help="{tables} becomes `--table Name=folder` for every table, {threads} their number (default: %(default)s)",
    )
    parser.add_argument("--no-duckdb", action="store_true", help="run Castellan alone")
    parser.add_argument("--threads", type=int, default=2, help="for both engines (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs after one to warm up; the best counts")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="for one run of one query")
    parser.add_argument("--only", default="", metavar="PREFIXES", help="such as 01,17: queries that start so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


def best_time(engine, name: str, text: str, runs: int):
    """The answer, and the shortest time in milliseconds after a run that is not counted."""
    answer, _ = engine.ask(name, text)
    times = [engine.ask(name, text)[1] for _ in range(runs)]
    return answer, min(times)


def measure(name: str, castellan, duckdb, runs: int) -> dict:
    """One query on both engines."""
    sql = (QUERIES / f"{name}.sql").read_text()
    kql = (QUERIES / f"{name}.kql").read_text()
    result = {"query": name, "verdict": "not compared"}
    answers = {}
    for label, engine, text in (("castellan", castellan, kql), ("duckdb", duckdb, sql)):
        if engine is None:
            continue
        try:
            answers[label], milliseconds = best_time(engine, name, text, runs)
        except EngineError as error:
            result["verdict"] = f"{label}: {error}"
            continue
        result[f"{label}_ms"] = round(milliseconds, 2)
        result["rows"] = len(answers[label].rows)
    if len(answers) == 2:
        found = difference(answers["castellan"], answers["duckdb"], Expectation.of(sql))
        result["verdict"] = f"differs: {found}" if found else "same"
        result["ratio"] = result["castellan_ms"] / result["duckdb_ms"]
    return result


def geometric_mean(ratios: list[float]) -> float | None:
    if not ratios:
        return None
    return math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))


def shown(value, form: str) -> str:
    return "-" if value is None else format(value, form)


def print_row(result: dict) -> None:
    castellan, duckdb = shown(result.get("castellan_ms"), ".1f"), shown(result.get("duckdb_ms"), ".1f")
    ratio, rows = shown(result.get("ratio"), ".2f"), shown(result.get("rows"), "d")
    print(f"{result['query']:32} {castellan:>12} {duckdb:>10} {ratio:>7} {rows:>6}  {result['verdict'][:100]}", flush=True)


def main() -> int:
    options = arguments()
    if hasattr(os, "sched_setaffinity"):
        # Both engines see as many processors as they may use; the child inherits it.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    prefixes = tuple(options.only.split(",")) if options.only else ("",)
    names = sorted(path.stem for path in QUERIES.glob("*.kql") if path.name.startswith(prefixes))
    missing = [table for table in TABLES if not (options.data / table).is_dir()]
    if missing or not names:
        sys.exit(f"nothing to do: no {', '.join(missing) or 'such query'}")

    duckdb = None if options.no_duckdb else DuckDb(options.data, options.threads)
    castellan = None
    if options.castellan:
        command = [options.castellan, *options.castellan_arguments.split()]
        castellan = Castellan(command, options.data, options.threads, options.timeout)
    print(f"{'query':32} {'castellan ms':>12} {'duckdb ms':>10} {'ratio':>7} {'rows':>6}  answers", flush=True)
    results = []
    for name in names:
        results.append(measure(name, castellan, duckdb, options.runs))
        print_row(results[-1])
    if castellan:
        castellan.close()

    # A wrong answer may be fast: only the same answers count.
    ratios = [result["ratio"] for result in results if result["verdict"] == "same"]
    mean = geometric_mean(ratios)
    compares = castellan is not None and duckdb is not None
    if compares:
        print(f"\n{len(ratios)} of {len(results)} answers are the same; geometric mean of ratios: {shown(mean, '.3f')}")
    if options.json:
        figures = {
            "threads": options.threads,
            "runs": options.runs,
            "duckdb": duckdb.version if duckdb else None,
            "geometric_mean": mean,
            "queries": results,
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    failed = any(": " in result["verdict"] for result in results)
    return 1 if failed or (compares and len(ratios) < len(results)) else 0


if __name__ == "__main__":
    sys.exit(main())
