"""Holds an archive against the truth, cell by cell, with readers that are not ours: Python's zipfile and csv."""

import csv
import io
import json
import re
import sys
import zipfile
import zlib
from pathlib import Path

TABLES = ["Tickets", "Transactions", "TimeWorked", "Attachments", "Users", "Groups", "GroupMembers", "Queues", "Articles"]
# Tables whose rows stand in the order of their numbers in a backup of everything.
NUMBERED = [table for table in TABLES if table != "GroupMembers"]
# What was written once and never changes.
HISTORY = ["Transactions", "TimeWorked", "Attachments"]
# What identifies a row where that is not its first column.
KEYS = {"GroupMembers": 3}
SHOWN = 20


class Comparison:
    """The differences found so far, and how much was compared."""

    def __init__(self):
        self.differences = []
        self.rows = self.cells = self.changed = 0

    def differ(self, text):
        """Notes one difference."""
        self.differences.append(text)


def compare(archive, truth, after=None, ordered=True):
    """Prints each difference between the archive and the truth, and raises SystemExit where there is one.

    With `after`, the truth of a later time, for a backup during which people worked: every row of the truth must be in
    the archive, once, with every cell where both truths say the same of it; a row that neither has must not be there.
    Without `ordered`, for a backup of a range of time, rows may stand in any order."""
    csv.field_size_limit(sys.maxsize)
    comparison = Comparison()
    truths = [load(folder, comparison) for folder in (truth, after) if folder is not None]
    try:
        with zipfile.ZipFile(archive) as package:
            parts, labels = names(package, comparison)
            for table in TABLES:
                if not all(table in known for known in truths) or table not in parts:
                    continue
                columns = truths[0][table][0]
                found = [row for part in parts[table] for row in read(package, part, columns, labels.get(table), comparison)]
                if ordered and table in NUMBERED:
                    order(table, found, comparison)
                hold(table, [known[table] for known in truths], found, comparison)
                print(f"{table}: {len(found)} rows of {len(columns)} columns")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        comparison.differ(f"not a whole ZIP: {error}")
    if after is not None and not comparison.changed:
        comparison.differ("nobody worked meanwhile: both truths are the same")
    for difference in comparison.differences[:SHOWN]:
        print(difference)
    if comparison.differences:
        raise SystemExit(f"{len(comparison.differences)} differences")
    changed = f"; {comparison.changed} rows changed or came meanwhile" if after is not None else ""
    print(f"{comparison.rows} rows, {comparison.cells} cells: no difference{changed}")


def load(folder, comparison):
    """The truth: table -> columns, rows. All tables must be there: what is not known cannot be compared."""
    known = {}
    found = {path.name for path in Path(folder).iterdir()}
    if found != (wanted := {f"{table}.jsonl" for table in TABLES}):
        comparison.differ(f"the truth in {folder} is not of the nine tables: {', '.join(sorted(found ^ wanted))}")
    for table in TABLES:
        if f"{table}.jsonl" in found:
            with open(Path(folder) / f"{table}.jsonl", encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            if lines and lines[0]:
                known[table] = lines[0], lines[1:]
            else:
                comparison.differ(f"the truth in {folder} says no columns of {table}")
    return known


def names(package, comparison):
    """Table -> its files in order, and what the manifest says. An archive holds these and its manifest, and nothing else."""
    found = package.namelist()
    parts = {}
    for table in TABLES:
        parts[table] = []
        while (name := f"{table}__{len(parts[table]) + 1}.csv") in found:
            parts[table].append(name)
        if not parts[table]:
            comparison.differ(f"{table}: {name} is not in the archive")
            del parts[table]
    expected = sorted([name for files in parts.values() for name in files] + ["manifest.json"])
    if sorted(found) != expected:
        comparison.differ(f"the archive's files are {sorted(found)}, not {expected}")
    return parts, manifest(package, expected, comparison) if "manifest.json" in found else {}


def manifest(package, expected, comparison):
    """What the archive says of itself: that it is whole, its files, and table -> label of each column."""
    try:
        said = json.loads(package.read("manifest.json"))
        tables = {table["name"]: table for table in said["tables"]}
        listed = sorted(file["name"] for table in said["tables"] for file in table["files"])
        labels = {name: [column["label"] for column in table["columns"]] for name, table in tables.items()}
        state = said["state"]
    except (ValueError, LookupError, TypeError) as error:
        comparison.differ(f"manifest.json: not understood: {error!r}")
        return {}
    if state != "complete":
        comparison.differ(f"manifest.json: the backup is {state!r}")
    if sorted([*listed, "manifest.json"]) != expected:
        comparison.differ(f"manifest.json: lists {listed}")
    return labels


def read(package, name, columns, said, comparison):
    """The rows of one file, without its two header rows: labels (`said` by the manifest), and the columns' names."""
    data = package.read(name)
    if data.startswith(b"\xef\xbb\xbf"):
        comparison.differ(f"{name}: begins with a byte-order mark")
    # Every second piece stands outside of quotes; there, lines end with CR LF and in no other way.
    if not data.endswith(b"\r\n") or any(
        not piece.count(b"\r") == piece.count(b"\n") == piece.count(b"\r\n") for piece in data.split(b'"')[::2]
    ):
        comparison.differ(f"{name}: a line does not end with CR LF")
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        comparison.differ(f"{name}: not CSV in UTF-8: {error}")
        return []
    labels, titles = (rows + [[], []])[:2]
    if titles != columns:
        comparison.differ(f"{name}: its columns are {titles}, not {columns}")
    if len(labels) != len(columns) or not all(label.strip() for label in labels) or labels != said:
        comparison.differ(f"{name}: its labels are {labels}, not {said}")
    return rows[2:]


def order(table, found, comparison):
    """Whether the numbers rise from row to row."""
    numbers = [int(row[0]) if row and row[0].isdigit() else -1 for row in found]
    for before, number in zip(numbers, numbers[1:]):
        if number <= before:
            return comparison.differ(f"{table} {number}: stands after {before}")


def hold(table, truths, found, comparison):
    """What is missing, what is too much, what is other."""
    width = KEYS.get(table, 1)
    (columns, expected), (later_columns, later) = truths[0], truths[-1]
    if later_columns != columns:
        comparison.differ(f"{table}: the columns changed meanwhile")
    afterwards = {tuple(row[:width]): row for row in later}
    rows = {}
    for row in found:
        key = tuple(row[:width])
        if key in rows:
            comparison.differ(f"{table} {'/'.join(key)}: twice")
        rows[key] = row
    known = set()
    for row in expected:
        key = tuple(row[:width])
        known.add(key)
        other = rows.pop(key, None)
        settled = afterwards.get(key) == row
        if not settled:
            comparison.changed += 1
            if table in HISTORY:
                comparison.differ(f"{table} {'/'.join(key)}: the truth of it changed, which nothing can do")
        if other is None:
            comparison.differ(f"{table} {'/'.join(key)}: missing")
        elif settled and other != row:
            wrong = [name for name, left, right in zip(columns, row, other) if left != right] or ["number of cells"]
            at = columns.index(wrong[0]) if wrong[0] in columns else 0
            comparison.differ(f"{table} {'/'.join(key)}: other {', '.join(wrong)}: {other[at][:200]!r}, not {row[at][:200]!r}")
        elif len(other) != len(columns):
            comparison.differ(f"{table} {'/'.join(key)}: {len(other)} cells of {len(columns)}")
        elif settled:
            comparison.cells += len(columns)
        comparison.rows += 1
    comparison.changed += len(set(afterwards) - known)
    for key in rows:
        if key not in afterwards:
            comparison.differ(f"{table} {'/'.join(key)}: should not be there")
