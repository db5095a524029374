"""Runs one of the peers over texts; `run.py` starts this with the Python that has them.

Reads JSON lines `{"id", "text"}`, prints one JSON object: the seconds of each run and the number of findings.
"""

import json
import logging
import sys
import tempfile
import time
from pathlib import Path


def presidio():
    """Presidio's recognisers of patterns for English, as it brings them, without a neural model."""
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)

    class Blank(NlpEngine):
        """Splits into words, which the look at context needs, and recognises no names."""

        def __init__(self):
            self.spacy = spacy.blank("en")

        def load(self):
            pass

        def is_loaded(self):
            return True

        def process_text(self, text, language):
            document = self.spacy(text)
            return NlpArtifacts(
                entities=[],
                tokens=document,
                tokens_indices=[token.idx for token in document],
                lemmas=[token.text.lower() for token in document],
                nlp_engine=self,
                language=language,
                scores=[],
            )

        def process_batch(self, texts, language, **_):
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word, _language):
            return self.spacy.vocab[word].is_stop

        def is_punct(self, word, _language):
            return self.spacy.vocab[word].is_punct

        def get_supported_entities(self):
            return []

        def get_supported_languages(self):
            return ["en"]

    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    engine = AnalyzerEngine(registry=registry, nlp_engine=Blank(), supported_languages=["en"])
    return lambda texts: sum(len(engine.analyze(text=text, language="en")) for text in texts)


def detect_secrets():
    """All plugins and filters that detect-secrets brings; nothing is verified over the network."""
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    def scan(texts):
        with tempfile.TemporaryDirectory() as folder, default_settings():
            paths = []
            for number, text in enumerate(texts):
                paths.append(Path(folder) / f"{number}.txt")
                paths[-1].write_text(text)
            started = time.perf_counter()
            found = sum(len(list(scan_file(str(path)))) for path in paths)
            return found, time.perf_counter() - started

    return scan


PEERS = {"presidio": presidio, "detect-secrets": detect_secrets}


def main() -> None:
    peer, path, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    texts = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    scan = PEERS[peer]()
    seconds = []
    # One text first: expressions are compiled when they are first used.
    scan(texts[:1])
    for _ in range(runs):
        started = time.perf_counter()
        found = scan(texts)
        took = time.perf_counter() - started
        if isinstance(found, tuple):
            found, took = found
        seconds.append(took)
    print(json.dumps({"seconds": seconds, "findings": found}))


if __name__ == "__main__":
    main()
