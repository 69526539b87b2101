"""Whether a request is one that a vendor's OpenAPI files describe, to the letter.

openapi-core decides: it reads OpenAPI 3.0 and 3.1, decodes forms with files, and can be told to refuse properties that
a schema does not name. Prism, which was the other choice, lets undeclared query parameters and properties pass, and
sees a form with files as text; both are what a misread document leads to. Three things openapi-core leaves out are
added here: query parameters, parts of a form, and bodies that an operation does not have.

One thing is let pass that it would refuse: what is in an object of which the description names no property at all and
does not say that it has none. Engagedly's `custom_attributes` is one, whose keys each organisation makes up; to forbid
all of them is to forbid the attribute. An object that names properties takes no other, unless it says so itself.
"""

import json
import warnings
from collections.abc import Mapping
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import PathError
from werkzeug.datastructures import Headers, ImmutableMultiDict

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Asked:
    """A request in the form in which openapi-core wants it."""

    def __init__(self, origin, method, target, headers, body):
        address = urlsplit(target)
        self.host_url = origin
        self.path = unquote(address.path)
        self.method = method.lower()
        self.content_type = next(
            (value for name, value in headers if name.lower() == "content-type"), ""
        )
        self.body = body or None
        self.query = parse_qsl(address.query, keep_blank_values=True)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(self.query),
            header=Headers(headers),
        )

    @property
    def media_type(self):
        return self.content_type.partition(";")[0].strip().lower()

    def form(self):
        """The names of the parts of a form; none of another body."""
        if self.media_type == "multipart/form-data":
            head = f"Content-Type: {self.content_type}\r\n\r\n".encode()
            parts = BytesParser().parsebytes(head + (self.body or b"")).get_payload()
            named = (part.get_param("name", header="content-disposition") for part in parts)
            return [str(name) for name in named]
        if self.media_type == "application/x-www-form-urlencoded":
            return [name for name, _ in parse_qsl((self.body or b"").decode(), keep_blank_values=True)]
        return []


class Descriptions:
    """The files that describe one system."""

    def __init__(self, files, origin, undescribed=()):
        """`origin` is the system's real one. Paths that begin with one of `undescribed` are known to be in none."""
        self.origin = origin
        self.undescribed = tuple(undescribed)
        # Whether the vendor's file is without fault in itself is not what is asked here.
        config = Config(spec_validator_cls=None, additional_properties_default_policy="forbid")
        documents = [with_numbers(with_free_objects(read(file))) for file in files]
        self.all = [OpenAPI.from_dict(document, config=config) for document in documents]

    def judge(self, method, target, headers, body):
        """What is wrong with a request: a list, empty where all is well; None where nothing describes it."""
        asked = Asked(self.origin, method, target, headers, body)
        if asked.path.startswith(self.undescribed):
            return None
        for description in self.all:
            with warnings.catch_warnings():
                warnings.simplefilter("error", DeprecationWarning)
                try:
                    result = description.request_unmarshaller.unmarshal(asked)
                except DeprecationWarning as warning:
                    return [str(warning)]
            if any(isinstance(error, PathError) for error in result.errors):
                continue
            return [said(error) for error in result.errors] + list(undeclared(asked, result))
        return [f"no description has {method} {asked.path}"]


def undeclared(asked, result):
    """What the operation does not have and openapi-core lets pass."""
    if result.errors:
        # What was refused is not among what was understood, declared or not.
        return
    declared = set(result.parameters.query) if result.parameters else set()
    for name, _ in asked.query:
        if name not in declared:
            yield f"the query parameter {name} is not declared"
    if not asked.body:
        return
    if result.body is None and asked.body.strip() not in (b"", b"null"):
        yield "the operation has no body"
    elif isinstance(result.body, Mapping) and asked.media_type in FORMS:
        for name in asked.form():
            if name not in result.body:
                yield f"the part {name} of the form is not declared"


def said(error):
    """An error on one line, with what of a body it is about instead of the whole body."""
    inner = error
    while inner is not None:
        details = [
            f"{'/'.join(map(str, part.absolute_path)) or 'the body'}: {part.message}"
            for part in getattr(inner, "schema_errors", None) or ()
        ]
        if details:
            return short("; ".join(details))
        inner = inner.__cause__ or inner.__context__
    return short(str(error))


def short(text):
    return " ".join(text.split())[:300]


def with_free_objects(part):
    """The description with the objects of which it names no property open for any."""
    if isinstance(part, list):
        return [with_free_objects(value) for value in part]
    if not isinstance(part, dict):
        return part
    part = {key: with_free_objects(value) for key, value in part.items()}
    named = {"properties", "additionalProperties", "allOf", "anyOf", "oneOf"} & part.keys()
    return part if part.get("type") != "object" or named else part | {"additionalProperties": True}


def with_numbers(document):
    """The description with numbers in forms read as numbers. They are sent as text, which openapi-core does not take
    for one unless it is told how they are written."""

    def resolve(schema):
        while "$ref" in schema:
            found = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            schema = found
        return schema

    for item in document.get("paths", {}).values():
        for operation in item.values():
            body = operation.get("requestBody", {}) if isinstance(operation, dict) else {}
            form = resolve(body).get("content", {}).get("multipart/form-data", {})
            for name, schema in resolve(form.get("schema", {})).get("properties", {}).items():
                if resolve(schema).get("type") in ("integer", "number", "boolean"):
                    form.setdefault("encoding", {}).setdefault(name, {"style": "form"})
    return document


def read(file):
    text = Path(file).read_text(encoding="utf-8")
    return json.loads(text) if str(file).endswith(".json") else named(yaml.safe_load(text))


def named(part):
    """The same with texts for keys, as JSON has them; YAML reads the key 200 as a number."""
    if isinstance(part, dict):
        return {str(key): named(value) for key, value in part.items()}
    return [named(value) for value in part] if isinstance(part, list) else part
