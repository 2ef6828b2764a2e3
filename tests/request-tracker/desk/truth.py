"""What every cell of an export must be, read from Request Tracker's own database by SQL, without REST 2.0.

For each table one file of JSON lines: the first line holds the names of the columns, each further line the cells of
one row, all text; an empty cell is the empty string, as it is in the CSV. What is left out, and why, is said in
`README.md`; each rule of RT that makes a cell other than what its column in the database holds is named here.
"""

import json
import sqlite3
from collections import defaultdict

from . import truth_values
from .truth_values import column_names, date, instant, link_lists, listed, number, text

LINKS = ["DependsOn", "DependedOnBy", "MemberOf", "Members", "RefersTo", "ReferredToBy"]
TICKET = "RT::Queue-RT::Ticket"


def write_truth(database, out, start, end):
    """Writes one file per table into the folder `out`; only what changed in [start, end) where they are given."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    # RT writes bytes that are not always UTF-8.
    connection.text_factory = bytes
    connection.row_factory = sqlite3.Row
    # One moment of the database, whatever goes on meanwhile.
    connection.execute("BEGIN")
    out.mkdir(parents=True, exist_ok=True)
    truth = Truth(connection, start, end)
    for name, (columns, rows) in truth.tables().items():
        with open(out / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for row in [columns, *rows]:
                assert len(row) == len(columns) and all(isinstance(cell, str) for cell in row), (name, row)
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


class Truth:
    """The tables of an export, from the database."""

    def __init__(self, connection, start, end):
        self._connection = connection
        self._start, self._end = start and start.replace("T", " ").strip("Z"), end and end.replace("T", " ").strip("Z")
        self.users = {row["id"]: text(row["Name"]) for row in self.query("SELECT id, Name FROM Users")}
        self.queues = {row["id"]: text(row["Name"]) for row in self.query("SELECT id, Name FROM Queues")}
        self.tickets = {row["id"]: row for row in self.query("SELECT * FROM Tickets ORDER BY id")}
        self.disabled = {row["id"]: row["Disabled"] for row in self.query("SELECT id, Disabled FROM Principals")}
        self.fields = truth_values.CustomFields(self)

    def query(self, sql, *parameters):
        """The rows of a query."""
        return self._connection.execute(sql, parameters)

    def tables(self):
        """Every table: its name, its columns, its rows."""
        transactions = self.transactions()
        return {
            "Tickets": self.ticket_rows(),
            "Transactions": transactions,
            "TimeWorked": self.time_worked(),
            "Attachments": self.attachments(),
            "Users": self.user_rows(),
            "Groups": self.groups(),
            "GroupMembers": self.members(),
            "Queues": self.queue_rows(),
            "Articles": self.articles(),
        }

    def wanted(self, moment):
        """Whether a record that changed at this moment belongs to the range."""
        moment = instant(moment)
        return (not self._start or moment >= self._start) and (not self._end or moment < self._end)

    def effective(self, ticket):
        """The number of the ticket that this one was merged into, and so on; itself where it was not merged."""
        while ticket in self.tickets and self.tickets[ticket]["EffectiveId"] != ticket:
            ticket = self.tickets[ticket]["EffectiveId"]
        return ticket

    def queue_of(self, ticket):
        """The number of the ticket's queue; `None` where the ticket is gone."""
        row = self.tickets.get(self.effective(ticket))
        return row["Queue"] if row else None

    def named(self, names, key):
        """The name of a user, a queue or a class. Of what is no more RT gives the number, as its column holds it."""
        return names.get(key, str(key))

    def common(self, row):
        """Who made it and changed it, and when."""
        return [self.named(self.users, row["Creator"]), instant(row["Created"]), self.named(self.users, row["LastUpdatedBy"]), instant(row["LastUpdated"])]

    def roles(self, domain):
        """For each object: role -> the members' names, in the order in which they became members."""
        members = defaultdict(lambda: defaultdict(list))
        for row in self.query(
            "SELECT g.Instance, g.Name, m.MemberId, p.PrincipalType FROM Groups g JOIN GroupMembers m ON m.GroupId = g.id "
            "JOIN Principals p ON p.id = m.MemberId WHERE g.Domain = ? ORDER BY m.id", domain,
        ):
            member = self.named(self.users, row["MemberId"]) if text(row["PrincipalType"]) == "User" else {"id": str(row["MemberId"]), "type": "group"}
            members[row["Instance"]][text(row["Name"])].append(member)
        return members

    def custom_roles(self):
        """Custom roles: number, name, whether it has one member."""
        return [(row["id"], text(row["Name"]), row["MaxValues"] == 1) for row in self.query("SELECT * FROM CustomRoles WHERE Disabled = 0 ORDER BY id")]

    def ticket_rows(self):
        """Tickets of every type and status, also merged and deleted ones."""
        custom_roles = self.custom_roles()
        columns = [
            "id", "EffectiveId", "IsMerged", "Type", "Status", "Queue", "QueueName", "Subject", "Owner", "Requestor", "Cc", "AdminCc",
            "Priority", "InitialPriority", "FinalPriority", "SLA", "TimeEstimated", "TimeWorked", "TimeLeft",
            "Starts", "Started", "Due", "Told", "Resolved", "Creator", "Created", "LastUpdatedBy", "LastUpdated",
            *LINKS, *column_names("CustomRole", custom_roles), *self.fields.columns(TICKET), "Other Custom Fields",
        ]
        roles = self.roles("RT::Ticket-Role")
        links = link_lists(self)
        applied_roles = {(row["ObjectId"], row["CustomRole"]) for row in self.query("SELECT ObjectId, CustomRole FROM ObjectCustomRoles")}
        rows = []
        touched = {row["ObjectId"] for row in self.wanted_transactions() if text(row["ObjectType"]) == "RT::Ticket"}
        for key, row in self.tickets.items():
            out_of_sight = text(row["Status"]) == "deleted" and row["EffectiveId"] != key
            if not (key in touched if out_of_sight else self.wanted(row["LastUpdated"])):
                continue
            if out_of_sight:
                # REST 2.0 shows no more of it than its history, that it is there, and where it went.
                known = {"id": str(key), "EffectiveId": str(self.effective(key)), "IsMerged": "1", "Status": "deleted"}
                rows.append([known.get(column, "") for column in columns])
                continue
            watchers = roles[key]
            cells = [
                str(key), str(row["EffectiveId"]), number(row["IsMerged"]), text(row["Type"]), text(row["Status"]),
                str(row["Queue"]), self.named(self.queues, row["Queue"]), text(row["Subject"]), self.named(self.users, row["Owner"]),
                *(listed(watchers[role]) for role in ("Requestor", "Cc", "AdminCc")),
                *(number(row[name]) for name in ("Priority", "InitialPriority", "FinalPriority")), text(row["SLA"]),
                *(number(row[name]) for name in ("TimeEstimated", "TimeWorked", "TimeLeft")),
                *(date(row[name]) for name in ("Starts", "Started", "Due", "Told", "Resolved")),
                *self.common(row), *(listed(links[key][name]) for name in LINKS),
            ]
            for role, _, single in custom_roles:
                holders = watchers[f"RT::CustomRole-{role}"] if (row["Queue"], role) in applied_roles else []
                if single:
                    # Nobody holds a role that no one else does.
                    cells.append((holders or ["Nobody"])[0] if (row["Queue"], role) in applied_roles else "")
                else:
                    cells.append(listed(holders))
            rows.append(cells + self.fields.cells(TICKET, "RT::Ticket", key, row["Queue"]) + [""])
        return columns, rows

    def transactions(self):
        """The history of everything, with the text that people wrote."""
        lookup = "RT::Queue-RT::Ticket-RT::Transaction"
        columns = [
            "id", "ObjectType", "ObjectId", "Ticket", "Type", "Field", "OldValue", "NewValue", "ReferenceType", "OldReference", "NewReference",
            "Data", "TimeTaken", "Creator", "Created", "Content", "ContentHTML", "MoreContents", *self.fields.columns(lookup), "Other Custom Fields",
        ]
        bodies = self.bodies()
        rows = []
        for row in self.wanted_transactions():
            kind = text(row["ObjectType"])
            ticket = row["ObjectId"] if kind == "RT::Ticket" else None
            queue = self.queue_of(ticket) if ticket else None
            rows.append([
                str(row["id"]), kind, str(row["ObjectId"]), number(ticket), text(row["Type"]), text(row["Field"]),
                self.referred(row, "OldReference", "OldValue"), self.referred(row, "NewReference", "NewValue"), text(row["ReferenceType"]),
                number(row["OldReference"]), number(row["NewReference"]), text(row["Data"]), number(row["TimeTaken"]),
                self.named(self.users, row["Creator"]), instant(row["Created"]), *bodies.get(row["id"], ["", "", ""]),
                *(self.fields.cells(lookup, "RT::Transaction", row["id"], queue) if ticket else [""] * len(self.fields.columns(lookup))), "",
            ])
        return columns, rows

    def wanted_transactions(self):
        """The transactions of the range."""
        return [row for row in self.query("SELECT * FROM Transactions ORDER BY id") if self.wanted(row["Created"])]

    def referred(self, row, reference, value):
        """The old or new value; of a custom field it is kept elsewhere, and referred to."""
        if row[reference] and text(row["ReferenceType"]) == "RT::ObjectCustomFieldValue":
            return self.fields.raw(row[reference])
        if row[reference] and text(row["ReferenceType"]) == "RT::Attribute":
            return truth_values.attribute(self.query("SELECT * FROM Attributes WHERE id = ?", row[reference]).fetchone())
        return text(row[value])

    def bodies(self):
        """For each transaction: its first text, its first HTML text, and the others."""
        bodies = {}
        for row in self.query(
            "SELECT * FROM Attachments WHERE ContentType IN ('text/plain', 'text/html') AND COALESCE(Filename, '') = '' ORDER BY id"
        ):
            found = bodies.setdefault(row["TransactionId"], {"more": []})
            kind = text(row["ContentType"])
            if kind not in found:
                found[kind] = truth_values.content(row)
            else:
                found["more"].append({"Content": truth_values.content(row), "ContentType": kind, "id": str(row["id"])})
        return {key: [found.get("text/plain", ""), found.get("text/html", ""), listed(found["more"])] for key, found in bodies.items()}

    def time_worked(self):
        """Every entry of time worked; each is a transaction."""
        columns = ["id", "Ticket", "Type", "TimeTaken", "Creator", "Created"]
        return columns, [
            [str(row["id"]), str(row["ObjectId"]), text(row["Type"]), str(row["TimeTaken"]), self.named(self.users, row["Creator"]), instant(row["Created"])]
            for row in self.wanted_transactions() if row["TimeTaken"] and text(row["ObjectType"]) == "RT::Ticket"
        ]

    def attachments(self):
        """Every part of every message, without its content."""
        columns = [
            "id", "TransactionId", "Parent", "MessageId", "Subject", "Filename", "ContentType", "ContentEncoding", "ContentLength",
            "Headers", "Creator", "Created",
        ]
        wanted = {row["id"] for row in self.wanted_transactions()}
        rows = []
        for row in self.query("SELECT * FROM Attachments ORDER BY id"):
            if row["TransactionId"] in wanted:
                rows.append([
                    str(row["id"]), str(row["TransactionId"]), number(row["Parent"] or None),
                    *(text(row[name]) for name in ("MessageId", "Subject", "Filename", "ContentType", "ContentEncoding")),
                    truth_values.header(row, "content-length"), truth_values.headers(row), self.named(self.users, row["Creator"]), instant(row["Created"]),
                ])
        return columns, rows

    def user_rows(self):
        """People, also disabled ones and RT's own. Passwords are no part of it."""
        names = [
            "Name", "EmailAddress", "RealName", "NickName", "Organization", "Comments", "Signature", "FreeformContactInfo", "Lang", "Timezone",
            "Gecos", "HomePhone", "WorkPhone", "MobilePhone", "PagerPhone", "Address1", "Address2", "City", "State", "Zip", "Country", "SMIMECertificate",
        ]
        columns = [
            "id", *names, "Privileged", "Disabled", "Creator", "Created", "LastUpdatedBy", "LastUpdated",
            *self.fields.columns("RT::User"), "Other Custom Fields",
        ]
        privileged = {row["MemberId"] for row in self.query(
            "SELECT MemberId FROM GroupMembers m JOIN Groups g ON g.id = m.GroupId WHERE g.Domain = 'SystemInternal' AND g.Name = 'Privileged'"
        )}
        rows = [
            [str(row["id"]), *(text(row[name]) for name in names), str(int(row["id"] in privileged)), str(self.disabled[row["id"]]),
             *self.common(row), *self.fields.cells("RT::User", "RT::User", row["id"], None), ""]
            for row in self.query("SELECT * FROM Users ORDER BY id") if self.wanted(row["LastUpdated"])
        ]
        return columns, rows

    def group_ids(self):
        """The groups that people made, and RT's three own ones. Other kinds only hold the roles of tickets and queues."""
        return self.query("SELECT * FROM Groups WHERE Domain IN ('UserDefined', 'SystemInternal') ORDER BY id")

    def groups(self):
        """Groups, also disabled ones."""
        columns = [
            "id", "Name", "Description", "Domain", "Disabled", "Creator", "Created", "LastUpdatedBy", "LastUpdated",
            *self.fields.columns("RT::Group"), "Other Custom Fields",
        ]
        return columns, [
            [str(row["id"]), text(row["Name"]), text(row["Description"]), text(row["Domain"]), str(self.disabled[row["id"]]),
             *self.common(row), *self.fields.cells("RT::Group", "RT::Group", row["id"], None), ""]
            for row in self.group_ids() if self.wanted(row["LastUpdated"])
        ]

    def members(self):
        """Direct members. Everyone and Unprivileged have the users for members that `Privileged` already tells apart."""
        columns = ["GroupId", "MemberType", "MemberId"]
        rows = []
        for group in self.group_ids():
            if text(group["Domain"]) == "SystemInternal" and text(group["Name"]) != "Privileged":
                continue
            if self.members_wanted(group):
                for row in self.query(
                    "SELECT m.MemberId, p.PrincipalType FROM GroupMembers m JOIN Principals p ON p.id = m.MemberId WHERE m.GroupId = ? ORDER BY m.id",
                    group["id"],
                ):
                    rows.append([str(group["id"]), text(row["PrincipalType"]).lower(), str(row["MemberId"])])
        return columns, rows

    def members_wanted(self, group):
        """Whether the group's members belong to the range: it changed itself."""
        return self.wanted(group["LastUpdated"])

    def queue_rows(self):
        """Queues, also disabled ones, and who watches them."""
        custom_roles = self.custom_roles()
        names = ["Name", "Description", "CorrespondAddress", "CommentAddress", "SubjectTag", "Lifecycle"]
        columns = [
            "id", *names, "SortOrder", "SLADisabled", "Disabled", "Cc", "AdminCc", "Creator", "Created", "LastUpdatedBy", "LastUpdated",
            *column_names("CustomRole", custom_roles), *self.fields.columns("RT::Queue"), "Other Custom Fields",
        ]
        roles = self.roles("RT::Queue-Role")
        rows = []
        for row in self.query("SELECT * FROM Queues ORDER BY id"):
            if self.wanted(row["LastUpdated"]):
                watchers = roles[row["id"]]
                rows.append([
                    str(row["id"]), *(text(row[name]) for name in names), str(row["SortOrder"]), str(row["SLADisabled"]), str(row["Disabled"]),
                    listed(watchers["Cc"]), listed(watchers["AdminCc"]), *self.common(row),
                    *("" if single else listed(watchers[f"RT::CustomRole-{role}"]) for role, _, single in custom_roles),
                    *self.fields.cells("RT::Queue", "RT::Queue", row["id"], None), "",
                ])
        return columns, rows

    def articles(self):
        """Articles, also disabled ones."""
        lookup = "RT::Class-RT::Article"
        columns = [
            "id", "Name", "Summary", "Class", "ClassName", "SortOrder", "URI", "Disabled", "Creator", "Created", "LastUpdatedBy", "LastUpdated",
            "RefersTo", "ReferredToBy", *self.fields.columns(lookup), "Other Custom Fields",
        ]
        classes = {row["id"]: text(row["Name"]) for row in self.query("SELECT id, Name FROM Classes")}
        links = link_lists(self, article=True)
        return columns, [
            [str(row["id"]), text(row["Name"]), text(row["Summary"]), str(row["Class"]), self.named(classes, row["Class"]), str(row["SortOrder"]),
             text(row["URI"]), str(row["Disabled"]), *self.common(row), listed(links[row["id"]]["RefersTo"]), listed(links[row["id"]]["ReferredToBy"]),
             *self.fields.cells(lookup, "RT::Article", row["id"], row["Class"]), ""]
            for row in self.query("SELECT * FROM Articles ORDER BY id") if self.wanted(row["LastUpdated"])
        ]
