"""What real Request Trackers hold and REST 2.0 never makes: rows that refer to what is no more.

Shredded tickets leave such rows, and imports, and users that were deleted by hand. They are written to the database."""

import sqlite3

# A ticket number that no one comes to, and that an export can still walk up to.
GONE = 1500
GONE_USER = 900_000


def orphan(database):
    """Leaves one row of each kind. The Request Tracker runs meanwhile; what it caches, it forgets within seconds."""
    connection = sqlite3.connect(database, timeout=60)
    statements = {
        "a transaction of a ticket that is gone": (
            "INSERT INTO Transactions (ObjectType, ObjectId, TimeTaken, Type, Data, Creator, Created) "
            f"VALUES ('RT::Ticket', {GONE}, 7, 'Comment', 'of a ticket that is gone', 1, '2031-03-12 07:00:00')"
        ),
        "a transaction by a user who is gone": (
            "INSERT INTO Transactions (ObjectType, ObjectId, TimeTaken, Type, Data, Creator, Created) "
            f"VALUES ('RT::Ticket', 10, 0, 'Comment', 'by a user who is gone', {GONE_USER}, '2031-03-12 07:00:01')"
        ),
        "a ticket by a user who is gone": f"UPDATE Tickets SET Creator = {GONE_USER} WHERE id = 12",
        "a ticket owned by a user who is gone": f"UPDATE Tickets SET Owner = {GONE_USER} WHERE id = 14",
        "a link to a ticket that is gone": (
            "INSERT INTO Links (Base, Target, Type, LocalBase, LocalTarget, Creator, LastUpdatedBy) VALUES "
            f"('fsck.com-rt://desk.example/ticket/16', 'fsck.com-rt://desk.example/ticket/{GONE}', 'RefersTo', 16, {GONE}, 1, 1)"
        ),
        "an article of no class": "UPDATE Articles SET Class = 0 WHERE id = 20",
    }
    with connection:
        for name, statement in statements.items():
            if connection.execute(statement).rowcount != 1:
                raise SystemExit(f"the fill: could not leave {name}")
    connection.close()
