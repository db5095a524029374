"""Reads OCSF detection findings with py-ocsf-models and says what it has against them."""

import json
import sys

from py_ocsf_models.events.findings.detection_finding import DetectionFinding

problems = []
detections = 0
for event in json.load(sys.stdin):
    if event["class_uid"] != 2004:
        continue
    try:
        DetectionFinding.model_validate(event)
        detections += 1
    except Exception as error:  # Whatever it is, it is what the test wants to show.
        problems.append(str(error))
print(json.dumps({"problems": problems, "detections": detections}))
