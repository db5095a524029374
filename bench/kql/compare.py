"""Whether two answers say the same, however each engine writes it down."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DATETIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00(?::?00)?)?")


@dataclass
class Expectation:
    """What a query's SQL file says in its first lines: `-- ordered`, `-- about: Column 10%`, `-- set: Column`."""

    ordered: bool = False
    about: dict[str, float] = field(default_factory=dict)
    sets: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, sql: str) -> "Expectation":
        self = cls()
        for line in sql.splitlines():
            if not line.startswith("-- "):
                break
            words = line[3:].replace(":", " ").split()
            if words[0] == "ordered":
                self.ordered = True
            elif words[0] == "about":
                self.about[words[1]] = float(words[2].rstrip("%")) / 100
            elif words[0] == "set":
                self.sets.add(words[1])
        return self


def difference(left, right, expected: Expectation) -> str | None:
    """The first thing in which two answers differ, in words."""
    names = [name for name, _ in left.columns]
    if names != [name for name, _ in right.columns]:
        return f"columns {names} and {[name for name, _ in right.columns]}"
    if len(left.rows) != len(right.rows):
        return f"{len(left.rows)} rows and {len(right.rows)} rows"
    sides = [plain_rows(answer, expected.sets) for answer in (left, right)]
    if not expected.ordered:
        exact = [index for index, name in enumerate(names) if name not in expected.about]
        for rows in sides:
            rows.sort(key=lambda row: [sort_key(row[index]) for index in exact])
    for number, (one, other) in enumerate(zip(*sides)):
        for name, value, counterpart in zip(names, one, other):
            if not alike(value, counterpart, expected.about.get(name, 1e-6)):
                return f"row {number}, {name}: {value!r} and {counterpart!r}"
    return None


def plain_rows(answer, sets: set[str]) -> list[list]:
    rows = []
    for row in answer.rows:
        values = [plain(value, kind) for value, (_, kind) in zip(row, answer.columns)]
        for index, (name, _) in enumerate(answer.columns):
            if name in sets and isinstance(values[index], list):
                values[index].sort(key=sort_key)
        rows.append(values)
    return rows


def plain(value, kind: str):
    """Times as microseconds since 1970, numbers as they are, JSON text as what it says, an empty string as none."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return (moment - EPOCH) // timedelta(microseconds=1)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item, "") for item in value]
    if isinstance(value, str):
        return plain_text(value, kind)
    return value


def plain_text(value: str, kind: str):
    if kind == "datetime" and (match := DATETIME.fullmatch(value)):
        day, clock, fraction = match.groups()
        moment = datetime.fromisoformat(f"{day}T{clock}+00:00")
        return (moment - EPOCH) // timedelta(microseconds=1) + int((fraction or "0").ljust(6, "0")[:6])
    if kind == "dynamic" and value[:1] in ("[", "{"):
        return json.loads(value)
    return value or None


def sort_key(value) -> tuple[int, str]:
    """Any values can be sorted; numbers that differ in their last digits stay neighbours of themselves."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (0, f"{value:+025.4f}")
    return (1, json.dumps(value, default=str))


def alike(one, other, tolerance: float) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, tolerance) for a, b in zip(one, other))
    are_numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (one, other))
    if not are_numbers:
        return one == other
    if isinstance(one, int) and isinstance(other, int) and tolerance <= 1e-6:
        return one == other
    # Estimates of small counts may be one off.
    slack = 1.0 if tolerance > 1e-6 else 0.0
    return abs(one - other) <= max(slack, tolerance * max(abs(one), abs(other)))
