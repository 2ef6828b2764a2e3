"""Fills a Request Tracker with a desk's worth of records, the same ones every time; only times differ.

Queues, classes and custom fields are there already: `structure.json`, in RT's own format for initial data, because
REST 2.0 cannot apply a custom field to anything but a queue. People, groups and articles come by REST 2.0, tickets by
REST 2.0 and by the mail gateway: see `tickets.py`.
"""

import random

from .census import census
from .orphans import orphan
from .samples import TEXTS, pick
from .tickets import fill_tickets

# More than one page (100) of each.
NAMES = ["山田 太郎", "O’Neil, \"Ann\"", "Zoë", "محمد"]
GROUP_NAMES = ["サポート", "Team, \"A\"", "Group"]
TITLES = ["印刷の手順", "How to \"print\"", "=1+1"]
USERS = 115
GROUPS = 104
ARTICLES = 108


def fill(instance, tickets):
    """Fills `instance`, which runs and is empty, with at least `tickets` tickets."""
    # Only the boundaries of multipart mails are drawn by chance.
    random.seed(5)
    client = instance.client()
    fields = CustomFields(client)
    users = fill_users(client)
    fill_groups(client, users)
    fill_articles(client, fields)
    fill_tickets(client, fields, max(tickets, 200), users)
    retire(client, fields)
    orphan(instance.database)
    census(instance.database)


class CustomFields:
    """Custom fields by number: a record that is being created does not know the names of all its fields."""

    def __init__(self, client):
        self._ids = {}
        everything = [{"field": "id", "operator": ">", "value": 0}]
        for field in client.post("/customfields?fields=Name&per_page=100&orderby=id", everything)["items"]:
            self._ids.setdefault(field["Name"], []).append(int(field["id"]))

    def id(self, name, which=0):
        """The number of the field called `name`; of the first one unless told otherwise."""
        return self._ids[name][which]

    def keyed(self, values):
        """`values` by number instead of by name."""
        return {str(self.id(name)): value for name, value in values.items()}


def fill_users(client):
    """Privileged, unprivileged and disabled users. Returns their ids."""
    ids = []
    for number in range(USERS):
        user = {
            "Name": f"user{number:03}" if number % 9 else f"利用者{number}",
            "EmailAddress": f"user{number:03}@example.test",
            "RealName": f"{pick(NAMES, number)} {number}",
            "NickName": pick(["", "太郎", "\"Z\""], number),
            "Organization": pick(["株式会社デスク", "", "A, B & C"], number),
            "Comments": pick(TEXTS, number) if number % 3 == 0 else "",
            "Signature": "-- \n" + pick(TEXTS, number + 1) if number % 4 == 0 else "",
            "FreeformContactInfo": "Line 1\r\nLine 2" if number % 5 == 0 else "",
            "HomePhone": "+81-3-0000-0000", "WorkPhone": "=+81", "MobilePhone": "", "PagerPhone": "0", "Address1": "東京都千代田区1-1",
            "Address2": "3F, \"left\"", "City": "東京", "State": "", "Zip": "100-0001", "Country": "日本",
            "Lang": pick(["ja", "en", ""], number), "Timezone": pick(["Asia/Tokyo", "", "America/New_York"], number),
            "Gecos": f"g{number}",
            "Privileged": 1 if number % 2 == 0 else 0,
            "Password": "not needed here",
            "CustomFields": {"Employee number": pick(["000123", "社員-7", ""], number)},
        }
        # RT calls a user by name; groups want the number.
        name = client.post("/user", user)["id"]
        ids.append(client.get(f"/user/{name}")["id"])
    for number in (3, 8, 111):
        client.delete(f"/user/{ids[number]}")
    return ids


def fill_groups(client, users):
    """Groups of users and of groups, an empty one, a disabled one, one with more members than a page holds."""
    ids = []
    for number in range(GROUPS):
        group = {
            "Name": f"{pick(GROUP_NAMES, number)} {number}",
            "Description": pick(TEXTS, number)[:200],
            "CustomFields": {"Cost centre": [f"{number:04}", "共通"] if number % 3 else []},
        }
        ids.append(int(client.post("/group", group)["id"]))
    client.put(f"/group/{ids[0]}/members", users)
    for number in range(1, GROUPS - 1):
        members = [users[number], users[(number * 7) % USERS]]
        if number % 10 == 0:
            members.append(ids[number - 1])
        client.put(f"/group/{ids[number]}/members", sorted(set(members)))
    client.delete(f"/group/{ids[5]}/member/{users[35]}")
    client.delete(f"/group/{ids[7]}")


def fill_articles(client, custom_fields):
    """Articles of three classes."""
    for number in range(ARTICLES):
        name = pick(["FAQ", "Runbooks", "General"], number)
        fields = {"Body": "\r\n".join([pick(TEXTS, number)] * (200 if number == 7 else 1))}
        if name == "FAQ":
            fields["Keywords"] = ["印刷", "a,b", f"k{number}"][: number % 4]
        client.post("/article", {
            "Name": f"{pick(TITLES, number // 3)} {number}",
            "Class": name, "Summary": pick(TEXTS, number + 3)[:200], "SortOrder": number % 4,
            "CustomFields": custom_fields.keyed(fields),
        })
    client.put("/article/9", {"AddRefersTo": ["http://example.test/手順", "a:10"]})
    client.put("/article/3", {"Summary": "Changed later", "CustomFields": {"Body": "変更後"}})
    client.put("/article/5", {"Disabled": 1})


def retire(client, custom_fields):
    """What is switched off only after it was used."""
    for queue in client.get("/queues/all?fields=Name")["items"]:
        if queue["Name"] == "Support":
            client.put(f"/queue/{queue['id']}", {
                "Cc": ["cc@example.test", "user011"], "AdminCc": ["user013"], "CustomFields": {"Escalation": "1. \"Call\"\r\n2. 待つ"},
            })
        if queue["Name"] == "Legacy":
            client.delete(f"/queue/{queue['id']}")
    client.delete(f"/customfield/{custom_fields.id('Retired')}")
