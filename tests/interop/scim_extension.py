"""Writes what `scim2-server` takes to have an extension of its own: its schemas, and the types of its resources.

    scim_extension.py SCHEMAS TYPES

The extension has what the core schema and the enterprise extension lack, under names of its own choosing.
"""

import json
import sys

from scim2_server.utils import load_default_resource_types, load_default_schemas

EXTENSION = "urn:ietf:params:scim:schemas:extension:academy:2.0:User"


def attribute(name, kind, about):
    return {
        "name": name,
        "type": kind,
        "multiValued": False,
        "description": about,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }


def main(schemas, types):
    shown = [schema.model_dump() for schema in load_default_schemas().values()]
    shown.append(
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": EXTENSION,
            "name": "Academy",
            "description": "What the academy wants to know besides",
            "attributes": [
                attribute("gender", "string", "Gender"),
                attribute("location", "string", "Where somebody works"),
                attribute("employmentType", "string", "Type of employment"),
                attribute("hireDate", "dateTime", "First day"),
            ],
        }
    )
    kinds = [kind.model_dump() for kind in load_default_resource_types().values()]
    for kind in kinds:
        if kind["endpoint"] == "/Users":
            kind.setdefault("schemaExtensions", []).append({"schema": EXTENSION, "required": False})
    for file, content in ((schemas, shown), (types, kinds)):
        with open(file, "w", encoding="utf-8") as out:
            json.dump(content, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
