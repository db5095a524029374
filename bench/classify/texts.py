"""The texts that every program reads: five kinds, the same for the same seed and the same files."""

import random
from pathlib import Path

# Programs that keep a document in memory at once should not be measured by that.
LONGEST = 16_000

FIRST = "Anna Ben Carla David Elena Farid Grace Hugo Ines Jonas Kaito Lea Marco Nadia Omar Petra".split()
LAST = "Abel Brandt Costa Dubois Eriksen Fischer Garcia Haddad Ivanov Jansen Kowalski Lindgren Meyer".split()
STREETS = "Oak Street,Mill Lane,Station Road,High Street,Park Avenue,Church Road".split(",")
HOSTS = "web-1 web-2 api-1 worker-7 db-primary cache-3".split()
PATHS = "/v1/orders /v1/users/{id} /health /static/app.js /login /v2/search?q={id}".split()


def generate(kinds: list[str], size: int, seed: int, sources: Path) -> dict[str, list[str]]:
    """Texts of each kind, about `size` bytes together."""
    makers = {"source": source, "logs": logs, "personal": personal, "secrets": secrets, "prose": prose}
    return {kind: makers[kind](size, random.Random(f"{seed} {kind}"), sources) for kind in kinds}


def source(size: int, _random: random.Random, sources: Path) -> list[str]:
    return from_files(sorted(sources.glob("*/src/**/*.rs")), size, "Rust source")


def prose(size: int, _random: random.Random, sources: Path) -> list[str]:
    return from_files(sorted([*sources.glob("*/README.md"), *sources.glob("*/CHANGELOG.md")]), size, "prose")


def from_files(paths: list[Path], size: int, what: str) -> list[str]:
    """The beginnings of files, in order of their paths."""
    texts, total = [], 0
    for path in paths:
        text = path.read_bytes()[:LONGEST].decode("utf-8", "ignore")
        if text.strip():
            texts.append(text)
            total += len(text.encode())
        if total >= size:
            return texts
    raise SystemExit(f"there are only {total} bytes of {what} below --sources; `cargo fetch` brings more")


def logs(size: int, random: random.Random, _sources: Path) -> list[str]:
    def line() -> str:
        time = f"2026-11-{random.randint(1, 20):02}T{random.randint(0, 23):02}:{random.randint(0, 59):02}:07.{random.randint(0, 999):03}Z"
        request = "".join(random.choices("0123456789abcdef", k=32))
        path = random.choice(PATHS).replace("{id}", str(random.randint(1, 10**6)))
        address = ".".join(str(random.randint(1, 254)) for _ in range(4))
        status, length = random.choice((200, 200, 200, 204, 304, 404, 500)), random.randint(100, 90_000)
        return f"{time} {random.choice(HOSTS)} INFO {address} GET {path} {status} {length} request={request}"

    return lines(size, line)


def personal(size: int, random: random.Random, _sources: Path) -> list[str]:
    def line() -> str:
        first, last = random.choice(FIRST), random.choice(LAST)
        phone = f"+49 30 {random.randint(1_000_000, 9_999_999)}"
        street = f"{random.randint(1, 200)} {random.choice(STREETS)}"
        born = f"{random.randint(1, 28):02}/{random.randint(1, 12):02}/{random.randint(1940, 2005)}"
        return (
            f"{first} {last}, born {born}, lives at {street}; mail {first}.{last}@example.com, phone {phone}, "
            f"card number {card(random)}, IBAN {iban(random)}"
        ).replace(f"{first}.{last}", f"{first}.{last}".lower())

    return lines(size, line)


def secrets(size: int, random: random.Random, _sources: Path) -> list[str]:
    """Configuration, of which every third line is a secret."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

    def line() -> str:
        name, number = random.choice(HOSTS).replace("-", "_"), random.randint(1, 9_999)
        kind = random.randint(0, 8)
        if kind == 0:
            return f"{name}_access_key = AKIA{''.join(random.choices(letters[26:52] + '234567', k=16))}"
        if kind == 1:
            return f'{name}_password = "{"".join(random.choices(letters, k=14))}"'
        if kind == 2:
            return f'{name}_token: "{"".join(random.choices("0123456789abcdef", k=40))}"'
        return f"{name}_timeout = {number}  # milliseconds, see the handbook"

    return lines(size, line)


def lines(size: int, line) -> list[str]:
    """Texts of some lines each."""
    texts, text, total = [], [], 0
    while total < size:
        text.append(line())
        total += len(text[-1]) + 1
        if sum(map(len, text)) > LONGEST // 2 or total >= size:
            texts.append("\n".join(text))
            text = []
    return texts


def card(random: random.Random) -> str:
    """A number of the range that test cards have, with the check digit of ISO/IEC 7812."""
    digits = [4] + [random.randint(0, 9) for _ in range(14)]
    doubled = [digit * 2 if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    check = -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10
    number = "".join(map(str, [*digits, check]))
    return " ".join(number[place : place + 4] for place in range(0, 16, 4))


def iban(random: random.Random) -> str:
    """A German account number with the check digits of ISO 13616."""
    account = "".join(str(random.randint(0, 9)) for _ in range(18))
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02}{account}"
