"""Whether a SCIM server holds what Personio's fake has: everybody, each attribute, who may come in, managers, groups.

    scim_compare.py SANDBOX SCIM TOKEN [--extension]

SANDBOX is the admin origin of the fakes, SCIM the base of the server. What is to be expected is written here from what
`sync-employees-to-scim` promises its owner (groups from department, office and supervisor), not read from the flow.
With `--extension` the server has that of `scim_extension.py`. Fails with the first differences.
"""

import json
import sys
import urllib.request
from collections import defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from scim_extension import EXTENSION

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def get(url, token=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return json.load(answer)


def everything(base, kind, token):
    """All resources of a kind, however many come at once."""
    resources = []
    while True:
        page = get(f"{base}/{kind}?startIndex={len(resources) + 1}&count=200", token)
        resources += page.get("Resources", [])
        if len(resources) >= page["totalResults"] or not page.get("Resources"):
            return resources


def text(value):
    """What there is of a text; nothing for a blank one."""
    return (value or "").strip() or None


def inner(value, name):
    """A field of an object as Personio nests it: a department's name, a supervisor's id."""
    found = ((value or {}).get("attributes") or {}).get(name)
    return found.get("value") if isinstance(found, dict) else found


def day(value):
    return date.fromisoformat(value[:10]) if value else None


def allowed(person, today):
    """Whether somebody has begun, has not ended, and is not inactive."""
    begun = day(person.get("hire_date"))
    ends = [day(person.get(name)) for name in ("contract_end_date", "termination_date")]
    past = any(end and end <= today for end in ends)
    return (not begun or begun <= today) and not past and person.get("status") != "inactive"


def full_name(person):
    """A supervisor by first and last name."""
    return " ".join(filter(None, (text(inner(person, "first_name")), text(inner(person, "last_name")))))


def expected(people, today, extension):
    """What each person's account says, and the names of the groups that each is in, by Personio's id."""
    accounts, groups = {}, {}
    for key, person in people.items():
        names = text(person["first_name"]), text(person["last_name"])
        supervisor = inner(person.get("supervisor"), "id")
        account = {
            "userName": person["email"].strip().lower(),
            "email": person["email"].strip().lower(),
            "givenName": names[0],
            "familyName": names[1],
            "displayName": " ".join(filter(None, names)),
            "title": text(person.get("position")),
            "active": allowed(person, today),
            "employeeNumber": key,
            "organization": inner(person.get("subcompany"), "name"),
            "department": inner(person.get("department"), "name"),
            "manager": str(supervisor) if str(supervisor) in people else None,
        }
        if extension:
            account |= {
                "gender": text(person.get("gender")),
                "location": inner(person.get("office"), "name"),
                "employmentType": text(person.get("employment_type")),
                "hireDate": str(day(person["hire_date"])) if person.get("hire_date") else None,
            }
        accounts[key] = account
        # Who may not come in is in no group.
        found = {
            "Department ": inner(person.get("department"), "name"),
            "Office ": inner(person.get("office"), "name"),
        }
        found = {prefix + name.strip() for prefix, name in found.items() if name and name.strip()}
        if supervisor is not None and full_name(person["supervisor"]):
            found.add(full_name(person["supervisor"]) + "'s team")
        groups[key] = found if account["active"] else set()
    return accounts, groups


def held(users, extension):
    """The same of the server's accounts, and who is who there."""
    keys = {user["id"]: user.get("externalId") for user in users}
    accounts = defaultdict(list)
    for user in users:
        enterprise, own, name = user.get(ENTERPRISE, {}), user.get(EXTENSION, {}), user.get("name", {})
        work = [mail["value"] for mail in user.get("emails", []) if mail.get("type") == "work"]
        manager = enterprise.get("manager", {}).get("value")
        account = {
            "userName": user["userName"],
            "email": work[0] if len(work) == 1 else work,
            "givenName": name.get("givenName"),
            "familyName": name.get("familyName"),
            "displayName": user.get("displayName"),
            "title": user.get("title"),
            "active": user.get("active"),
            "employeeNumber": enterprise.get("employeeNumber"),
            "organization": enterprise.get("organization"),
            "department": enterprise.get("department"),
            "manager": keys.get(manager, manager),
        }
        if extension:
            account |= {name: own.get(name) for name in ("gender", "location", "employmentType")}
            account["hireDate"] = own["hireDate"][:10] if "hireDate" in own else None
        accounts[user.get("externalId")].append(account)
    return accounts, keys


def compare(people, users, groups, today, extension=False):
    """The differences, a text each."""
    wanted, memberships = expected(people, today, extension)
    found, keys = held(users, extension)
    differences = [f"an account of nobody: {key}" for key in found.keys() - wanted.keys()]
    for key, account in wanted.items():
        match found.get(key, []):
            case [one]:
                differences += [
                    f"{name} of {key} is {one[name]!r}, not {value!r}"
                    for name, value in account.items()
                    if one[name] != value
                ]
            case others:
                differences.append(f"{len(others)} accounts of {key}")
    joined = defaultdict(set)
    for group in groups:
        for member in group.get("members", []):
            joined[keys.get(member["value"], member["value"])].add(group["displayName"])
    for key in wanted.keys() | joined.keys():
        if joined[key] != memberships.get(key, set()):
            differences.append(f"{key} is in {sorted(joined[key])}, not {sorted(memberships.get(key, set()))}")
    identities = [group.get("externalId") for group in groups]
    if None in identities or len(set(identities)) < len(identities):
        differences.append("groups without an identity, or with the same")
    return differences


def main(sandbox, scim, token, extension=None):
    people = {str(key): get(f"{sandbox}/people/{key}") for key in get(f"{sandbox}/people")}
    users, groups = everything(scim, "Users", token), everything(scim, "Groups", token)
    today = datetime.now(ZoneInfo("Europe/Berlin")).date()
    differences = compare(people, users, groups, today, extension == "--extension")
    for difference in differences[:20]:
        print(difference, file=sys.stderr)
    if differences:
        return f"{len(differences)} differences between the source and the server"
    active = sum(user["active"] for user in users)
    members = sum(len(group.get("members", [])) for group in groups)
    print(
        f"The server agrees with the source: {len(users)} people, {active} of them active, "
        f"{len(groups)} groups with {members} members"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
