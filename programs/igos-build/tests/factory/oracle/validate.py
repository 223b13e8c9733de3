"""Validates a bill of materials with what its makers publish; prints what is wrong with it, a line each."""

import json
import sys

FORMAT, FILE = sys.argv[1:]

if FORMAT == "cyclonedx":
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    text = open(FILE, encoding="utf-8").read()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if error is not None:
        print(error)
    for component in json.loads(text)["components"]:
        url = component["purl"]
        if PackageURL.from_string(url).to_string() != url:
            print("not the canonical form of a package URL:", url)
else:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    for message in validate_full_spdx_document(parse_file(FILE)):
        print(message.context.spdx_id, message.validation_message)
