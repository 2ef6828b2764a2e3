"""Fills tickets: half come by REST 2.0, half as mail; then people work on them."""

import base64
import select
import sys

from .mails import mail
from .samples import BYTES, FILENAMES, HTML, PNG, SUBJECTS, TEXTS, pick

QUEUES = ["Support", "営業部", "General", "Quotes \"and\", commas; 'too'", "Legacy"]


def fill_tickets(client, fields, count, users):
    """Creates `count` tickets, works on them, merges some and deletes some."""
    tickets = [create(client, fields, number, users) if number % 2 == 0 else deliver(client, number) for number in range(count)]
    huge(client, tickets[0])
    for number, ticket in enumerate(tickets):
        work(client, number, ticket, users)
    link(client, tickets)
    # The tickets that other tickets were merged into, or that are gone, are not touched again.
    for number in range(count - 60, count - 45):
        client.put(f"/ticket/{tickets[number]}", {"MergeInto": tickets[number - 20]})
    # A merged ticket's ticket is merged itself, and a merged one's is deleted.
    client.put(f"/ticket/{tickets[count - 80]}", {"MergeInto": tickets[2]})
    client.delete(f"/ticket/{tickets[count - 79]}")
    for number in list(range(count - 30, count - 15)) + [count - 1]:
        client.delete(f"/ticket/{tickets[number]}")
    # Deleted, and merged after that.
    client.put(f"/ticket/{tickets[count - 30]}", {"MergeInto": tickets[count - 40]})
    # Deleted, and brought back.
    client.delete(f"/ticket/{tickets[20]}")
    client.put(f"/ticket/{tickets[20]}", {"Status": "open"})


def create(client, fields, number, users):
    """A ticket by REST 2.0. Returns its number."""
    queue = pick(QUEUES, number // 2)
    ticket = {
        "Queue": queue, "Subject": pick(SUBJECTS, number // 2), "Requestor": [f"customer{number % 40}@example.test"],
        "Cc": ["cc@example.test"] if number % 6 == 0 else [], "AdminCc": [f"user{10 + number % 8:03}"] if number % 4 == 0 and number % 9 else [],
        "Owner": owner(users, number) if number % 3 == 0 else "Nobody",
        "Priority": number % 100, "FinalPriority": 90, "InitialPriority": number % 7,
        "TimeEstimated": number % 50, "TimeWorked": 15 if number % 10 == 0 else 0, "TimeLeft": number % 11,
        "Starts": "2031-04-01 09:00:00" if number % 8 == 0 else "", "Due": "2031-04-30T18:00:00Z" if number % 6 == 0 else "",
        "CustomFields": fields.keyed(custom_fields(queue, number // 2)),
    }
    if number % 16 != 2:
        html = number % 6 == 4
        ticket |= {"Content": pick(HTML, number // 2) if html else pick(TEXTS, number // 2), "ContentType": "text/html" if html else "text/plain"}
    if number % 14 == 6:
        ticket["Attachments"] = attachments(number)
    if queue in ("Support", "営業部") and number % 4 == 0:
        roles = {"Reviewers": [f"user{number % 8 + 10:03}", "reviewer@example.test"]}
        if queue == "Support":
            roles["Engineer"] = "user013"
        ticket["CustomRoles"] = roles
    if queue in ("Support", "営業部"):
        ticket["CustomFields"][str(fields.id("Same name", QUEUES.index(queue)))] = f"{queue}, its own"
    return int(client.post("/ticket", ticket)["id"])


def owner(users, number):
    """Someone who may own tickets: every other user, unless disabled."""
    return users[2 * (number % 30) if number % 30 != 4 else 0]


def custom_fields(queue, number):
    """Values for the custom fields of `queue`: some, none, many."""
    text = pick(TEXTS, number)
    fields = {
        "Severity": pick(["Low", "High", "重大", "a, \"quoted\" value"], number),
        "Products": [["Router"], [], ["Modem, black", "電話機"], ["[\"json\"]", "Router", "電話機"]][number % 4],
        "Tags": [[], ["赤"], ["a,b", "\"c\"", "d\ne"], ["z", "y", "x", "007"]][number % 4],
        "Due day": pick(["2031-03-12", "", "2032-02-29"], number),
        "Call at": pick(["2031-03-12 07:00:00", "", "2031-12-31T23:59:59Z"], number),
        "顧客番号, {braces} \"quotes\"": pick(["C-1", "顧客", ""], number),
        "Retired": "kept in the database only",
    }
    # A field that holds one line takes no line breaks from us; RT cuts nothing else.
    if number % 3:
        fields["Serial"] = " ".join(text.split())
    if queue in ("Support", "営業部"):
        fields |= {"Notes": text if number % 2 else "長い " * 300}
    if queue == "Support":
        fields |= {
            "Wiki": "= Title =\r\n* [http://example.test link]\r\n* 'quoted'", "Page": pick(HTML, number)[:5000],
            "Call slots": ["2031-03-12 07:00:00", "2031-03-13 08:30:00"][: number % 3], "Address": pick(["192.0.2.1", "2001:db8::1"], number),
            "Networks": ["192.0.2.0/24", "10.0.0.1-10.0.0.9"][: number % 3],
            "Contract": {"FileName": pick(FILENAMES, number), "FileType": "application/pdf", "FileContent": base64.b64encode(BYTES).decode()},
            "Screenshots": [{"FileName": f"画面{n}.png", "FileType": "image/png", "FileContent": base64.b64encode(PNG).decode()} for n in range(number % 3)],
        }
    if queue == "営業部":
        fields |= {"Company": "株式会社デスク", "Mood": pick(["🙂", "unlisted"], number)}
    return {name: value for name, value in fields.items() if value not in ("", [])}


def attachments(number):
    """Three files: every byte, text, a picture."""
    # RT 5.0.3 fails on other names that come by REST ("Wide character"); those come by mail.
    names = [name for name in FILENAMES if name.isascii()]
    kinds = [("application/octet-stream", BYTES), ("text/plain", "テキスト,\"x\"\n".encode()), ("image/png", PNG)]
    return [
        {"FileName": pick(names, number + index), "FileType": kind, "FileContent": base64.b64encode(content).decode()}
        for index, (kind, content) in enumerate(kinds)
    ]


def deliver(client, number):
    """A ticket by the mail gateway. Returns its number, the highest there is."""
    # The gateway says "ok" and not which ticket it made; nobody else makes tickets meanwhile.
    client.mail(mail(number // 2), pick(QUEUES, number // 2))
    newest = client.post("/transactions?per_page=1&orderby=id&order=DESC&fields=ObjectId", [
        {"field": "Type", "value": "Create"}, {"field": "ObjectType", "value": "RT::Ticket"},
    ])
    return int(newest["items"][0]["ObjectId"])


def huge(client, ticket):
    """A body and an HTML body of more than a megabyte each."""
    client.post(f"/ticket/{ticket}/correspond", {"Content": "長い本文、\"引用\"\n" * 60000, "ContentType": "text/plain"})
    client.post(f"/ticket/{ticket}/comment", {"Content": "<p>" + "<b>長い</b>\r\n" * 80000 + "</p>", "ContentType": "text/html"})


def work(client, number, ticket, users):
    """Replies, private comments, time worked, changes, the end of a ticket."""
    text = pick(TEXTS, number + 5)
    if number % 3 == 0:
        client.post(f"/ticket/{ticket}/correspond", {
            "Content": text, "ContentType": "text/plain", "TimeTaken": number % 4 * 5, "Subject": pick(SUBJECTS, number),
            "TxnCustomFields": {"Channel": pick(["電話", "mail, \"fast\"", "=chat"], number)},
        })
    if number % 4 == 0:
        comment = {"Content": "Private: " + text, "ContentType": "text/plain", "TimeTaken": number % 3}
        if number % 16 == 0:
            comment["Attachments"] = attachments(number)
        client.post(f"/ticket/{ticket}/comment", comment)
    if number % 10 == 1:
        client.post(f"/ticket/{ticket}/comment", {"Attachments": attachments(number)[:1]})
    if number % 7 == 0:
        client.mail(mail(number + 3, reply_to=ticket), "Support")
    if number % 11 == 5:
        client.mail(mail(number + 4, reply_to=ticket), "Support", action="comment")
    changes = {}
    if number % 5 == 0:
        changes["CustomFields"] = {"Severity": "重大", "Tags": ["new", "赤"]}
    if number % 6 == 1:
        changes |= {"Subject": f"変更: {pick(SUBJECTS, number)}", "Priority": 55, "TimeWorked": 30 + number}
    if number % 9 == 2:
        changes["Owner"] = owner(users, number)
    if number % 13 == 4:
        changes |= {"Queue": "営業部", "Due": "2031-05-01 00:00:00"}
    if number % 12 == 3:
        changes["Requestor"] = [f"user{number % 8 + 10:03}", "new@example.test"]
    status = {0: "resolved", 1: "rejected", 2: "stalled", 3: "open"}.get(number % 8)
    if status:
        changes["Status"] = status
    if changes:
        client.put(f"/ticket/{ticket}", changes)


def link(client, tickets):
    """Links between tickets, to the outside, and a reminder."""
    for number in range(0, 60, 3):
        client.put(f"/ticket/{tickets[number]}", {
            "AddDependsOn": str(tickets[number + 1]), "AddRefersTo": [f"http://example.test/?q=\"{number}\"&x=日本", str(tickets[number + 2])],
            "AddMembers" if number % 2 else "AddMemberOf": str(tickets[number + 40]),
        })
    client.put(f"/ticket/{tickets[3]}", {"DeleteDependsOn": str(tickets[4])})
    # To tickets that will be merged or deleted, and from them.
    merged, deleted = tickets[-55], tickets[-28]
    for ticket in (merged, deleted):
        client.put(f"/ticket/{tickets[61]}", {"AddRefersTo": str(ticket)})
        client.put(f"/ticket/{ticket}", {"AddRefersTo": [str(tickets[62]), "http://example.test/from"]})
    for kind in ("reminder", "approval"):
        client.post("/ticket", {"Queue": "Support", "Type": kind, "Subject": f"{kind}: 電話する", "RefersTo": str(tickets[1]), "Due": "2031-06-01 00:00:00"})


def disturb(client):
    """Makes, changes, merges and deletes tickets until the standard input closes; says when it began, and how often at the end."""
    number = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        ticket = int(client.post("/ticket", {"Queue": "General", "Subject": f"meanwhile {number}", "Content": "x", "ContentType": "text/plain"})["id"])
        # Old tickets change under the reader's hands.
        old = number * 13 % 100 + 1
        client.post(f"/ticket/{old}/comment", {"Content": "meanwhile", "ContentType": "text/plain", "TimeTaken": 1})
        client.put(f"/ticket/{old}", {"Subject": f"meanwhile {number}"})
        if number % 3 == 1:
            client.put(f"/ticket/{ticket}", {"MergeInto": ticket - 1})
        elif number % 3 == 2:
            client.delete(f"/ticket/{ticket}")
        number += 1
        if number == 1:
            print("at work", flush=True)
    print(f"{number} rounds of work")
