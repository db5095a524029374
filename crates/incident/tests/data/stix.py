"""Reads a STIX bundle with the library of OASIS, and says what it has against it."""

import json
import sys

import stix2

document = json.load(sys.stdin)
problems = []
observables = 0
# Incident Core is an extension that the library knows by its id alone.
core = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
for each in document["objects"]:
    plain = {name: value for name, value in each.items() if name != "extensions"}
    if each.get("extensions") and list(each["extensions"]) != [core]:
        problems.append(f"{each['id']}: extensions {list(each['extensions'])}")
    try:
        made = stix2.parse(plain, allow_custom=False, version="2.1")
    except Exception as error:  # Whatever it is, it is what the test wants to show.
        problems.append(f"{each['id']}: {error!r}")
        continue
    kind = stix2.registry.STIX2_OBJ_MAPS["2.1"]["observables"].get(each["type"])
    if kind is None:
        continue
    observables += 1
    if kind._id_contributing_properties:
        again = kind(**{name: value for name, value in plain.items() if name not in ("id", "type")})
        if again.id != each["id"]:
            problems.append(f"{each['type']}: {each['id']} is {again.id} by the standard")
stix2.parse(document, allow_custom=True, version="2.1")
print(json.dumps({"problems": problems, "observables": observables}))
