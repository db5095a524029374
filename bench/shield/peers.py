"""Runs one of the peers over texts; `run.py` starts this with the Python that has them.

Reads JSON lines `{"id", "text"}`, prints one JSON object: the seconds of each run and how many texts it objects to.
"""

import json
import sys
import time
from pathlib import Path


def ai_injection_guard():
    from prompt_shield import PromptScanner

    scanner = PromptScanner(threshold="MEDIUM")
    return lambda text: scanner.scan(text).severity not in ("SAFE", "LOW")


def injectionguard():
    from injectionguard import is_safe

    return lambda text: not is_safe(text)


def injectionshield():
    from injectionshield import scan

    return lambda text: not scan(text).safe


def nukon_pi_detect():
    from nukon_pi_detect import DECISION_MALICIOUS, scan

    return lambda text: scan(text).decision == DECISION_MALICIOUS


def prompt_dictator():
    from prompt_dictator import Scanner

    scanner = Scanner()
    return lambda text: scanner.scan(text).is_injection


def prompt_inject_detect():
    from prompt_inject_detect import scan

    return lambda text: scan(text).is_injection


def alt_profanity_check():
    """A linear model over word counts. One text a call, as a guard of prompts has it."""
    from profanity_check import predict

    return lambda text: bool(predict([text])[0])


def better_profanity():
    from better_profanity import profanity

    profanity.load_censor_words()
    return profanity.contains_profanity


PEERS = {
    "ai-injection-guard": ai_injection_guard,
    "injectionguard": injectionguard,
    "injectionshield": injectionshield,
    "nukon-pi-detect": nukon_pi_detect,
    "prompt-dictator": prompt_dictator,
    "prompt-inject-detect": prompt_inject_detect,
    "alt-profanity-check": alt_profanity_check,
    "better-profanity": better_profanity,
}


def main() -> None:
    peer, path, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    texts = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    objects = PEERS[peer]()
    # One text first: expressions are compiled when they are first used.
    objects(texts[0])
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        found = sum(1 for text in texts if objects(text))
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds, "findings": found}))


if __name__ == "__main__":
    main()
