"""The checks themselves: what is right passes, and each thing that is wrong is found.

Run by `cargo xtask interop` before anything else: a check that cannot fail would show nothing.
"""

import json
import tempfile
import threading
import unittest
import urllib.request
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from described import Descriptions
from proxy import Proxy, Recorder
from scim2_server.utils import load_default_schemas
from scim_compare import compare
from scim_extension import EXTENSION
from scim_payloads import Judges

ORIGIN = "https://api.example.com"
DESCRIPTION = """
openapi: 3.0.3
info: { title: Example, version: "1" }
servers: [{ url: https://api.example.com/v1 }]
paths:
  /people:
    get:
      security: [{ bearer: [] }]
      parameters:
        - { name: limit, in: query, schema: { type: integer, maximum: 50 } }
        - { name: "fields[]", in: query, schema: { type: array, items: { type: string } } }
      responses: { 200: { description: all } }
    post:
      requestBody:
        required: true
        content: { application/json: { schema: { $ref: "#/components/schemas/Person" } } }
      responses: { 201: { description: made } }
  /people/{id}/files:
    post:
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [category, file]
              properties:
                category: { type: integer }
                title: { type: string }
                file: { type: string, format: binary }
      responses: { 201: { description: made } }
  /people/{id}:
    delete:
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses: { 204: { description: gone } }
  /token:
    post:
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [grant_type]
              properties: { grant_type: { type: string, enum: [client_credentials] } }
      responses: { 200: { description: token } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Person:
      type: object
      required: [email]
      properties:
        email: { type: string }
        manager: { type: object, properties: { id: { type: integer } } }
        custom: { type: object, description: whatever there is }
        left_on: { type: string, format: date }
"""
BEARER = [("authorization", "Bearer made-up")]
JSON = [("content-type", "application/json")]
FORM = [("content-type", "application/x-www-form-urlencoded")]


def multipart(*parts):
    lines = b"".join(
        b"--line\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n" % (name, extra, value)
        for name, extra, value in parts
    )
    return [("content-type", "multipart/form-data; boundary=line")], lines + b"--line--\r\n"


def category(value):
    return (b"category", b"", value)


FILE = (b"file", b"; filename=\"a.pdf\"\r\nContent-Type: application/pdf", b"%PDF-1.7\n" + bytes(range(256)))


class Described(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        file = Path(self.folder.name) / "example.yaml"
        file.write_text(DESCRIPTION)
        self.descriptions = Descriptions([file], ORIGIN, ["/v1/undescribed"])

    def judge(self, method, target, headers=(), body=b""):
        return self.descriptions.judge(method, target, list(headers), body)

    def assert_right(self, *request):
        self.assertEqual(self.judge(*request), [])

    def assert_wrong(self, words, *request):
        problems = self.judge(*request)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_queries(self):
        self.assert_right("GET", "/v1/people?limit=50&fields%5B%5D=a&fields%5B%5D=b", BEARER)
        self.assert_wrong("page", "GET", "/v1/people?page=2", BEARER)
        self.assert_wrong("limit", "GET", "/v1/people?limit=many", BEARER)
        self.assert_wrong("51", "GET", "/v1/people?limit=51", BEARER)
        self.assert_wrong("query parameter expand", "DELETE", "/v1/people/7?expand=1")

    def test_who_is_asking(self):
        self.assert_wrong("Security", "GET", "/v1/people")

    def test_paths_and_methods(self):
        self.assert_wrong("no description", "GET", "/v1/persons", BEARER)
        self.assert_wrong("no description", "PUT", "/v1/people", BEARER)
        self.assert_wrong("id", "DELETE", "/v1/people/seven")
        self.assertIsNone(self.judge("GET", "/v1/undescribed/7"))

    def test_bodies(self):
        def post(body):
            return "POST", "/v1/people", JSON, json.dumps(body).encode()

        self.assert_right(*post({"email": "a@example.com", "manager": {"id": 7}}))
        self.assert_wrong("email", *post({}))
        self.assert_wrong("mail", *post({"email": "a@example.com", "mail": "a@example.com"}))
        self.assert_wrong("email", *post({"email": 7}))
        self.assert_wrong("name", *post({"email": "a@example.com", "manager": {"name": "A"}}))
        self.assert_right(*post({"email": "a@example.com", "custom": {"anything": ["at", "all"]}}))
        self.assert_wrong("custom", *post({"email": "a@example.com", "custom": "anything"}))
        self.assert_right(*post({"email": "a@example.com", "left_on": "2024-01-31"}))
        for no_date in (None, "", "31.01.2024"):
            self.assert_wrong("left_on", *post({"email": "a@example.com", "left_on": no_date}))
        self.assert_wrong("body", "POST", "/v1/people", JSON, b"")
        self.assert_wrong("text/plain", "POST", "/v1/people", [("content-type", "text/plain")], b"{}")
        self.assert_wrong("no body", "DELETE", "/v1/people/7", JSON, b'{"reason":"left"}')

    def test_forms(self):
        self.assert_right("POST", "/v1/token", FORM, b"grant_type=client_credentials")
        self.assert_wrong("grant_type", "POST", "/v1/token", FORM, b"grant_type=password")
        self.assert_wrong("scope", "POST", "/v1/token", FORM, b"grant_type=client_credentials&scope=all")

    def test_forms_with_files(self):
        def post(*parts):
            return "POST", "/v1/people/7/files", *multipart(*parts)

        title = (b"title", b"", "Größe".encode())
        self.assert_right(*post(category(b"2"), title, FILE))
        self.assert_wrong("file", *post(category(b"2")))
        self.assert_wrong("integer", *post(category(b"two"), FILE))
        self.assert_wrong("folder", *post(category(b"2"), FILE, (b"folder", b"", b"2")))

    def test_the_proxy_passes_on_what_it_finds_fault_with(self):
        seen = []

        class Service(BaseHTTPRequestHandler):
            def do_POST(self):
                seen.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(201)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        record = Path(self.folder.name) / "record"
        proxy = Proxy(f"http://127.0.0.1:{service.server_port}", Recorder(record), self.descriptions, True)
        self.addCleanup(proxy.recorder.file.close)
        for server in (service, proxy):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        for body in (b'{"email":"a@example.com"}', b'{"mail":"a@example.com"}'):
            request = urllib.request.Request(f"{proxy.origin}/v1/people", body, dict(JSON))
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.assertEqual((answer.status, answer.read()), (201, b"{}"))
        right, wrong = map(json.loads, record.read_text().splitlines())
        self.assertEqual((right["problems"], right["status"], right["body"]), ([], 201, seen[0].decode()))
        self.assertIn("mail", wrong["problems"][0])
        self.assertEqual(seen[1], b'{"mail":"a@example.com"}')


CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class Payloads(unittest.TestCase):
    user = {
        "schemas": [CORE, ENTERPRISE],
        "userName": "a@example.com",
        "name": {"givenName": "Ada", "familyName": "Example"},
        "emails": [{"type": "work", "value": "a@example.com", "primary": True}],
        "active": True,
        ENTERPRISE: {"department": "Development", "manager": {"value": "7"}},
    }
    group = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "IT"}

    def setUp(self):
        self.judges = Judges([schema.model_dump() for schema in load_default_schemas().values()])

    def judge(self, method, path, payload):
        return self.judges.judge(method, path, json.dumps(payload))

    def assert_wrong(self, words, method, path, payload):
        problems = self.judge(method, path, payload)
        self.assertTrue(any(words in problem for problem in problems), problems)

    def test_resources(self):
        self.assertEqual(self.judge("POST", "/v2/Users", self.user), [])
        self.assertEqual(self.judge("POST", "/v2/Groups", self.group), [])
        self.assert_wrong("userName", "POST", "/v2/Users", {"schemas": [CORE]})
        self.assert_wrong("displayName", "POST", "/v2/Groups", {**self.group, "displayName": None})
        self.assert_wrong("nick", "POST", "/v2/Users", {**self.user, "nick": "A"})
        self.assert_wrong("list", "POST", "/v2/Users", {**self.user, "emails": {"value": "a@example.com"}})
        self.assert_wrong("boolean", "POST", "/v2/Users", {**self.user, "active": "True"})
        self.assert_wrong("'id'", "POST", "/v2/Users", {**self.user, "id": "7"})
        self.assert_wrong("not listed", "POST", "/v2/Users", {**self.user, "schemas": [CORE]})
        self.assert_wrong("unit", "PUT", "/v2/Users/7", {**self.user, ENTERPRISE: {"unit": "X"}})
        self.assertIn("JSON", self.judges.judge("POST", "/v2/Users", "{")[0])
        self.assertIsNone(self.judge("GET", "/v2/Users", None))

    def patch(self, *operations):
        return {"schemas": [PATCH], "Operations": list(operations)}

    def test_patches(self):
        right = self.patch(
            {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Sales"},
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "b@example.com"},
            {"op": "remove", "path": "title"},
        )
        self.assertEqual(self.judge("PATCH", "/v2/Users/7", right), [])
        members = self.patch({"op": "remove", "path": 'members[value eq "7"]'})
        self.assertEqual(self.judge("PATCH", "/v2/Groups/1", members), [])
        wrong = {
            "not an attribute": {"op": "replace", "path": "titel", "value": "x"},
            "requires": {"op": "remove"},
            "invalid 'op'": {"op": "set", "path": "title", "value": "x"},
        }
        for words, operation in wrong.items():
            self.assert_wrong(words, "PATCH", "/v2/Users/7", self.patch(operation))
        listed = {"op": "remove", "path": "members", "value": [{"value": "7"}]}
        self.assert_wrong("no value", "PATCH", "/v2/Groups/1", self.patch(listed))

    def test_bulks(self):
        def bulk(*operations):
            return {"schemas": [BULK], "Operations": list(operations)}

        made = {"method": "POST", "path": "/Users", "bulkId": "a", "data": self.user}
        member = {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}
        joined = {"method": "PATCH", "path": "/Groups/1", "data": self.patch(member)}
        self.assertEqual(self.judge("POST", "/v2/Bulk", bulk(made, joined)), [])
        nameless = {name: value for name, value in made.items() if name != "bulkId"}
        self.assert_wrong("bulkId", "POST", "/v2/Bulk", bulk(nameless))
        self.assert_wrong("nick", "POST", "/v2/Bulk", bulk({**made, "data": {**self.user, "nick": "A"}}))
        self.assert_wrong("Operations", "POST", "/v2/Bulk", {"schemas": [BULK]})


class Comparison(unittest.TestCase):
    """The comparison of a server with the source finds each thing that differs."""

    people = {
        "7": {
            "first_name": " Ada ", "last_name": "Example", "email": " Ada@Example.com", "position": "",
            "status": "active", "hire_date": "2020-01-01T00:00:00+01:00", "gender": "female",
            "employment_type": "internal", "contract_end_date": None, "termination_date": None,
            "department": {"attributes": {"id": 1, "name": "IT"}}, "office": {"attributes": {"id": 2, "name": "Bonn"}},
            "subcompany": None,
            "supervisor": {"attributes": {"id": {"value": 8}, "first_name": {"value": "Peter"},
                                          "last_name": {"value": "Wright"}}},
        },
        "8": {
            "first_name": "Peter", "last_name": "Wright", "email": "peter@example.com", "position": "Head",
            "status": "active", "hire_date": "2020-01-01T00:00:00+01:00", "gender": "",
            "employment_type": "external", "contract_end_date": None,
            "termination_date": "2026-03-01T00:00:00+01:00", "department": {"attributes": {"id": 1, "name": "IT"}},
            "office": None, "subcompany": {"attributes": {"id": 3, "name": "Example GmbH"}}, "supervisor": None,
        },
    }

    def server(self):
        def user(key, mail, given, family, enterprise, active, own, **more):
            return {
                "id": f"u{key}", "externalId": key, "userName": mail, "active": active,
                "name": {"givenName": given, "familyName": family}, "displayName": f"{given} {family}",
                "emails": [{"type": "work", "value": mail}], ENTERPRISE: {"employeeNumber": key, **enterprise},
                EXTENSION: own, **more,
            }

        ada = user(
            "7", "ada@example.com", "Ada", "Example", {"department": "IT", "manager": {"value": "u8"}}, True,
            {"gender": "female", "location": "Bonn", "employmentType": "internal", "hireDate": "2020-01-01T00:00:00Z"},
        )
        peter = user(
            "8", "peter@example.com", "Peter", "Wright", {"department": "IT", "organization": "Example GmbH"}, False,
            {"employmentType": "external", "hireDate": "2020-01-01"}, title="Head",
        )
        names = {"Department IT": "d1", "Office Bonn": "o2", "Peter Wright's team": "s8"}
        groups = [
            {"displayName": name, "externalId": key, "members": [{"value": "u7"}]} for name, key in names.items()
        ]
        return [ada, peter], groups

    def differences(self, users, groups):
        return compare(self.people, users, groups, date(2026, 3, 1), extension=True)

    def test_what_agrees(self):
        self.assertEqual(self.differences(*self.server()), [])

    def test_each_thing_that_differs(self):
        changes = {
            "userName of 7": lambda users, groups: users[0].update(userName="Ada@example.com"),
            "email of 7": lambda users, groups: users[0].update(emails=[]),
            "givenName of 8": lambda users, groups: users[1]["name"].pop("givenName"),
            "title of 7": lambda users, groups: users[0].update(title=""),
            "active of 8": lambda users, groups: users[1].update(active=True),
            "department of 8": lambda users, groups: users[1][ENTERPRISE].update(department="HR"),
            "manager of 7": lambda users, groups: users[0][ENTERPRISE]["manager"].update(value="u7"),
            "gender of 7": lambda users, groups: users[0][EXTENSION].update(gender="male"),
            "hireDate of 7": lambda users, groups: users[0][EXTENSION].pop("hireDate"),
            "0 accounts of 8": lambda users, groups: users.pop(),
            "2 accounts of 7": lambda users, groups: users.append({**users[0], "id": "u9"}),
            "of nobody: 9": lambda users, groups: users.append({**users[0], "id": "u9", "externalId": "9"}),
            "7 is in ['Department IT', 'Office Bonn']": lambda users, groups: groups.pop(),
            "8 is in ['Department IT']": lambda users, groups: groups[0]["members"].append({"value": "u8"}),
            "7 is in ['Department', ": lambda users, groups: groups[0].update(displayName="Department"),
            "without an identity": lambda users, groups: groups[0].pop("externalId"),
        }
        for words, change in changes.items():
            users, groups = self.server()
            change(users, groups)
            differences = self.differences(users, groups)
            self.assertTrue(any(words in difference for difference in differences), (words, differences))


if __name__ == "__main__":
    unittest.main()
