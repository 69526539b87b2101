"""Whether what a SCIM client sent is what RFC 7643 and RFC 7644 have, by two judges that know nothing of that client.

    scim_payloads.py RECORD SCHEMAS

RECORD is what `proxy.py --bodies` wrote, SCHEMAS the service's answer to `/Schemas`. scim-sanity judges what a resource and
a PATCH must have, scim2-models (the models behind scim2-tester) parses each in the context of its request: unknown
attributes, read-only ones, missing ones, wrong types and paths that lead nowhere are errors there. What a bulk request
holds is judged as if it had been sent by itself. Fails if anything is wrong, or if nothing was sent.
"""

import json
import sys
from collections import Counter
from functools import reduce
from operator import or_
from urllib.parse import urlsplit

import scim_sanity.schemas
from pydantic import ValidationError
from scim2_models import BulkRequest, Context, Extension, Group, PatchOp, Schema, User
from scim_sanity.validator import SCIMValidator

CONTEXTS = {
    "POST": Context.RESOURCE_CREATION_REQUEST,
    "PUT": Context.RESOURCE_REPLACEMENT_REQUEST,
    "PATCH": Context.RESOURCE_PATCH_REQUEST,
}


class Judges:
    def __init__(self, schemas):
        """`schemas` are those that the service has, as it shows them."""
        extensions = [schema for schema in schemas if ":extension:" in schema["id"]]
        for schema in extensions:
            scim_sanity.schemas.SCHEMAS.setdefault(schema["id"], schema)
        models = [Extension.from_schema(Schema.model_validate(schema)) for schema in extensions]
        self.models = {"Users": User[reduce(or_, models)] if models else User, "Groups": Group}

    def judge(self, method, path, text):
        """The problems of one request's body, empty where all is well; None where it holds no payload."""
        kind = next((part for part in path.split("/") if part in ("Users", "Groups", "Bulk")), None)
        if kind is None or method not in CONTEXTS:
            return None
        try:
            payload = json.loads(text)
        except ValueError as error:
            return [f"the body is not JSON: {error}"]
        return self.bulk(payload) if kind == "Bulk" else self.payload(method, kind, payload)

    def payload(self, method, kind, payload):
        sane, errors = SCIMValidator().validate(payload, "patch" if method == "PATCH" else "full")
        problems = [] if sane else [f"scim-sanity: {error}" for error in errors]
        model = PatchOp[self.models[kind]] if method == "PATCH" else self.models[kind]
        problems += parsed(model, payload, CONTEXTS[method])[1]
        return problems if method == "PATCH" else problems + list(undeclared(payload))

    def bulk(self, payload):
        problems = []
        operations = payload.get("Operations") or []
        for kind, model in self.models.items():
            # The models tell PATCHes of two kinds of resources apart only where they come by themselves.
            part = [one for one in operations if one.get("path", "").lstrip("/").startswith(kind)]
            if operations and not part:
                continue
            request, found = parsed(BulkRequest[model], payload | {"Operations": part}, Context.BULK_REQUEST)
            refused = [one for one in request.operations or [] if one.status] if request else []
            problems += found + [f"scim2-models: in a bulk: {one.response.detail}" for one in refused]
        for operation in operations:
            method, path = operation.get("method"), operation.get("path", "")
            if method != "DELETE":
                found = self.judge(method, path, json.dumps(operation.get("data")))
                problems += [f"the bulk has {method} {path}"] if found is None else found
        return problems


def parsed(model, payload, context):
    """What was understood, and the problems."""
    try:
        return model.model_validate(payload, scim_ctx=context), []
    except ValidationError as error:
        return None, [
            f"scim2-models: {'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors()
        ]


def undeclared(payload):
    """What both let pass: RFC 7643 §3 wants every schema in use listed, and §2.3.2 a boolean to be one."""
    for name in payload:
        if name.startswith("urn:") and name not in payload.get("schemas", []):
            yield f"the schema {name} is used and not listed"
    if not isinstance(payload.get("active", True), bool):
        yield "active is no boolean"


def main(record, schemas):
    with open(schemas, encoding="utf-8") as file:
        judges = Judges(json.load(file)["Resources"])
    counts, problems = Counter(), Counter()
    with open(record, encoding="utf-8") as file:
        for entry in map(json.loads, file):
            path = urlsplit(entry["target"]).path
            found = judges.judge(entry["method"], path, entry.get("body", ""))
            if found is None:
                continue
            shape = f"{entry['method']} {path.split('/v2/')[-1].split('/')[0]}"
            counts[shape] += 1
            problems.update(f"{shape}: {problem}" for problem in found)
    for problem, times in problems.most_common(20):
        print(f"{problem} ({times} times)", file=sys.stderr)
    if problems:
        return f"{sum(problems.values())} problems in what was sent"
    if not counts:
        return "nothing was sent that could be judged"
    print(", ".join(f"{number} {shape}" for shape, number in sorted(counts.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
