"""Whether the fill filled: counts by SQL, so that no comparison passes because there is nothing to compare."""

import sqlite3

# What is counted, the least there must be, the query.
CENSUS = [
    ("tickets", 200, "SELECT COUNT(*) FROM Tickets"),
    ("tickets made by the mail gateway", 50, "SELECT COUNT(DISTINCT t.ObjectId) FROM Transactions t WHERE {created} AND {mailed}"),
    ("tickets made by the API", 50, "SELECT COUNT(DISTINCT t.ObjectId) FROM Transactions t WHERE {created} AND NOT {mailed}"),
    ("merged tickets", 10, "SELECT COUNT(*) FROM Tickets WHERE EffectiveId != id"),
    ("resolved tickets", 10, "SELECT COUNT(*) FROM Tickets WHERE Status = 'resolved'"),
    ("rejected tickets", 10, "SELECT COUNT(*) FROM Tickets WHERE Status = 'rejected'"),
    ("deleted tickets", 10, "SELECT COUNT(*) FROM Tickets WHERE Status = 'deleted'"),
    ("deleted tickets that were merged", 1, "SELECT COUNT(*) FROM Tickets WHERE Status = 'deleted' AND EffectiveId != id"),
    ("tickets with an owner", 20, "SELECT COUNT(*) FROM Tickets WHERE Owner != (SELECT id FROM Users WHERE Name = 'Nobody')"),
    ("reminders and approvals", 2, "SELECT COUNT(*) FROM Tickets WHERE Type IN ('reminder', 'approval')"),
    ("links of tickets", 60, "SELECT COUNT(*) FROM Links WHERE Base LIKE '%/ticket/%'"),
    ("private comments", 30, "SELECT COUNT(*) FROM Transactions t WHERE t.Type = 'Comment' AND EXISTS "
     "(SELECT 1 FROM Attachments a WHERE a.TransactionId = t.id AND CAST(a.Content AS TEXT) LIKE 'Private: %')"),
    ("replies", 60, "SELECT COUNT(*) FROM Transactions WHERE Type = 'Correspond'"),
    ("entries of time worked", 50, "SELECT COUNT(*) FROM Transactions WHERE TimeTaken > 0"),
    ("attachments", 500, "SELECT COUNT(*) FROM Attachments"),
    ("attachments with Japanese names", 5, "SELECT COUNT(*) FROM Attachments WHERE Filename LIKE '%請求書%' OR Filename LIKE '%見積書%'"),
    ("mails in HTML", 10, "SELECT COUNT(*) FROM Attachments t WHERE ContentType = 'text/html' AND {mailed_part}"),
    ("texts of a megabyte", 2, "SELECT COUNT(*) FROM Attachments WHERE ContentType LIKE 'text/%' AND LENGTH(Content) > 1000000"),
    ("custom field values with line breaks", 5, "SELECT COUNT(*) FROM {values} LIKE '%' || CHAR(10) || '%'"),
    ("custom field values with quotes", 5, "SELECT COUNT(*) FROM {values} LIKE '%\"%'"),
    ("custom field values in Japanese", 20, "SELECT COUNT(*) FROM {values} LIKE '%重大%'"),
    ("fields of transactions", 50, "SELECT COUNT(*) FROM ObjectCustomFieldValues WHERE ObjectType = 'RT::Transaction'"),
    ("holders of custom roles", 10, "SELECT COUNT(*) FROM Groups g JOIN GroupMembers m ON m.GroupId = g.id WHERE g.Domain = 'RT::Ticket-Role' AND g.Name LIKE 'RT::CustomRole-%'"),
    ("users", 115, "SELECT COUNT(*) FROM Users"),
    ("disabled users", 3, "SELECT COUNT(*) FROM Users u JOIN Principals p ON p.id = u.id WHERE p.Disabled = 1"),
    ("unprivileged users", 50, "SELECT COUNT(*) FROM GroupMembers m JOIN Groups g ON g.id = m.GroupId WHERE g.Domain = 'SystemInternal' AND g.Name = 'Unprivileged'"),
    ("groups", 104, "SELECT COUNT(*) FROM Groups WHERE Domain = 'UserDefined'"),
    ("disabled groups", 1, "SELECT COUNT(*) FROM Groups g JOIN Principals p ON p.id = g.id WHERE g.Domain = 'UserDefined' AND p.Disabled = 1"),
    ("groups in groups", 5, "SELECT COUNT(*) FROM GroupMembers m JOIN Groups g ON g.id = m.GroupId JOIN Groups n ON n.id = m.MemberId "
     "WHERE g.Domain = 'UserDefined' AND n.Domain = 'UserDefined'"),
    ("groups of more than a page", 1, "SELECT COUNT(*) FROM (SELECT 1 FROM GroupMembers m JOIN Groups g ON g.id = m.GroupId "
     "WHERE g.Domain = 'UserDefined' GROUP BY g.id HAVING COUNT(*) > 100)"),
    ("queues", 7, "SELECT COUNT(*) FROM Queues"),
    ("disabled queues", 2, "SELECT COUNT(*) FROM Queues WHERE Disabled != 0"),
    ("articles", 101, "SELECT COUNT(*) FROM Articles"),
    ("disabled articles", 1, "SELECT COUNT(*) FROM Articles WHERE Disabled = 1"),
    ("disabled custom fields", 1, "SELECT COUNT(*) FROM CustomFields WHERE Disabled = 1"),
]
# A mail kept its own Message-ID; what comes by REST gets one from RT.
MAILED_PART = "(t.MessageId LIKE 'mail-%@example.test' OR t.MessageId LIKE 'raw-%@example.test')"
WORDS = {
    "{created}": "t.Type = 'Create' AND t.ObjectType = 'RT::Ticket'",
    "{mailed}": f"t.id IN (SELECT t.TransactionId FROM Attachments t WHERE {MAILED_PART})",
    "{mailed_part}": f"t.TransactionId IN (SELECT t.TransactionId FROM Attachments t WHERE {MAILED_PART})",
    "{values}": "ObjectCustomFieldValues WHERE COALESCE(CAST(LargeContent AS TEXT), CAST(Content AS TEXT))",
}


def census(database):
    """Raises SystemExit where there is too little of anything."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    missing = []
    for name, least, query in CENSUS:
        for word, meaning in WORDS.items():
            query = query.replace(word, meaning)
        [[count]] = connection.execute(query)
        print(f"{count:>6} {name}")
        if count < least:
            missing.append(f"{count} {name}, at least {least} were to be")
    connection.close()
    if missing:
        raise SystemExit("the fill did not fill: " + "; ".join(missing))
