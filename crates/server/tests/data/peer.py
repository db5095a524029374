"""Answers requests to the anonymizer with PyPI's `presidio-anonymizer`, as its service does.

Reads one JSON object a line, `{"path", "body"}`, and writes one a line, `{"status", "answer"}`. The path `expression`
stands for no service: it tells where an expression of Python's matches.
"""

import json
import re
import sys
import warnings

from presidio_anonymizer import AnonymizerEngine, DeanonymizeEngine
from presidio_anonymizer.entities import InvalidParamError
from presidio_anonymizer.services.app_entities_convertor import AppEntitiesConvertor as Convert

ANONYMIZER = AnonymizerEngine()
DEANONYMIZER = DeanonymizeEngine()


def anonymize(body):
    operators = Convert.operators_config_from_json(body.get("anonymizers"))
    if Convert.check_custom_operator(operators):
        return 400, {}
    results = Convert.analyzer_results_from_json(body.get("analyzer_results"))
    made = ANONYMIZER.anonymize(text=body.get("text", ""), analyzer_results=results, operators=operators)
    return 200, json.loads(made.to_json())


def deanonymize(body):
    items = Convert.deanonymize_entities_from_json(body)
    operators = Convert.operators_config_from_json(body.get("deanonymizers"))
    made = DEANONYMIZER.deanonymize(text=body.get("text", ""), entities=items, operators=operators)
    return 200, json.loads(made.to_json())


def expression(body):
    try:
        matches = re.finditer(body["regex"], body["text"], re.DOTALL | re.MULTILINE | re.IGNORECASE)
        return 200, [match.span() for match in matches if match.end() > match.start()]
    except re.error as error:
        return 400, {"error": str(error)}


PATHS = {"/anonymize": anonymize, "/deanonymize": deanonymize, "expression": expression}


def answer(line):
    asked = json.loads(line)
    try:
        return PATHS[asked["path"]](asked["body"])
    except InvalidParamError as error:
        return 422, {"error": error.err_msg}


warnings.simplefilter("ignore")
for line in sys.stdin:
    status, told = answer(line)
    print(json.dumps({"status": status, "answer": told}), flush=True)
