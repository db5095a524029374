"""Events like those of SigninLogs, about 500 bytes each; the same for the same seed."""

import json
import random

APPS = ["Azure Portal", "Office 365 Exchange Online", "Microsoft Teams", "Azure OpenAI Studio", "GitHub", "Copilot"]
PLACES = [("CH", "Bern"), ("DE", "Berlin"), ("US", "Boston"), ("JP", "Tokyo"), ("BR", "Recife")]
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
    "azsdk-python-identity/1.17.1 Python/3.11.7 (Linux-6.1)",
]


def guid(dice: random.Random) -> str:
    text = f"{dice.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def event(dice: random.Random, time: str | None = None) -> str:
    country, city = dice.choice(PLACES)
    user = int(dice.paretovariate(1.1)) % 20_000
    fields = {
        "OperationName": "Sign-in activity",
        "Category": "SignInLogs",
        "ResultType": dice.choices(["0", "50126", "50053", "53003"], [90, 6, 2, 2])[0],
        "CorrelationId": guid(dice),
        "UserPrincipalName": f"user{user}@example.com",
        "UserId": f"{user:08x}-1111-4222-8333-444455556666",
        "AppDisplayName": dice.choice(APPS),
        "IPAddress": f"10.{user % 256}.{dice.randrange(4)}.{dice.randrange(256)}",
        "UserAgent": dice.choice(AGENTS),
        "IsInteractive": dice.random() < 0.7,
        "Location": country,
        "LocationDetails": {"city": city, "countryOrRegion": country},
    }
    if time:
        fields["TimeGenerated"] = time
    return json.dumps(fields, separators=(",", ":"))


def body(seed: int, count: int) -> bytes:
    dice = random.Random(seed)
    return ("[" + ",".join(event(dice) for _ in range(count)) + "]").encode()
