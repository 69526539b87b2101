"""What schemathesis cannot know by itself: a session that goes on, and ids of what there is."""

import json
import os
import urllib.request

import schemathesis

TOKEN = os.environ["MATRICULA_FUZZ_VENDOR"].rstrip("/") + "/matricula-token"
KNOWN = {
    "automations": os.environ["MATRICULA_FUZZ_AUTOMATION"],
    "credentials": os.environ["MATRICULA_FUZZ_CREDENTIAL"],
    "flows": "sync-employees",
    "connectors": "personio",
    "lookups": "departments",
    "runs": "1",
}
# The same for what bodies and queries name.
NAMED = {
    "flow": KNOWN["flows"],
    "source": KNOWN["credentials"],
    "target": os.environ["MATRICULA_FUZZ_TARGET"],
    "automation": KNOWN["automations"],
    "connector": KNOWN["connectors"],
    "stream": "employees",
}


# A token lives for ten minutes.
@schemathesis.auth(refresh_interval=300)
class Session:
    def get(self, case, context):
        request = urllib.request.Request(TOKEN, method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


def known(made_up):
    """Half of what is asked is about something that exists; what was made up decides which half."""
    return len(str(made_up)) % 2 == 0


@schemathesis.hook
def before_call(context, case, kwargs):
    parts = case.operation.path.split("/")
    for name, value in (case.path_parameters or {}).items():
        place = "{%s}" % name
        kind = parts[parts.index(place) - 1] if place in parts else ""
        if kind in KNOWN and known(value):
            case.path_parameters[name] = KNOWN[kind]
    for fields in (case.query, case.body):
        if isinstance(fields, dict) and known(fields):
            fields.update({name: NAMED[name] for name in fields if name in NAMED})
