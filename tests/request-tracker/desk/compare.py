"""Holds an archive against the truth, cell by cell, with readers that are not ours: Python's zipfile and csv."""

import csv
import io
import json
import re
import sys
import zipfile
from pathlib import Path

# What identifies a row where that is not its first column.
KEYS = {"GroupMembers": 3}
SHOWN = 20


def compare(archive, truth, keys_only):
    """Prints each difference between the archive and the truth, and raises SystemExit where there is one.

    With `keys_only`, for a backup during which people worked: every row of the truth must be in the archive, once; what
    its cells are, and whether there are more rows, is not asked."""
    csv.field_size_limit(sys.maxsize)
    differences = []
    cells = rows = 0
    tables = sorted(path.stem for path in Path(truth).glob("*.jsonl"))
    with zipfile.ZipFile(archive) as package:
        parts = {}
        for name in package.namelist():
            if found := re.fullmatch(r"(.+)__(\d+)\.csv", name):
                parts.setdefault(found[1], {})[int(found[2])] = name
        if extra := sorted(set(parts) - set(tables)):
            differences.append(f"tables that should not be there: {', '.join(extra)}")
        for table in tables:
            with open(Path(truth) / f"{table}.jsonl", encoding="utf-8") as file:
                columns, *expected = (json.loads(line) for line in file)
            if not expected and table not in parts:
                continue
            found = [row for part in sorted(parts.get(table, {})) for row in read(package, parts[table][part], columns, differences)]
            differences += differ(table, columns, expected, found, keys_only)
            rows += len(expected)
            cells += len(expected) * len(columns)
            print(f"{table}: {len(found)} rows of {len(columns)} columns")
    for difference in differences[:SHOWN]:
        print(difference)
    if differences:
        raise SystemExit(f"{len(differences)} differences")
    print(f"{rows} rows, {cells} cells: no difference" if not keys_only else f"{rows} rows: each is there, once")


def read(package, name, columns, differences):
    """The rows of one file, without its two header rows."""
    with package.open(name) as file:
        rows = list(csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""), strict=True))
    if rows[1] != columns:
        differences.append(f"{name}: its columns are {rows[1]}, not {columns}")
    return rows[2:]


def differ(table, columns, expected, found, keys_only):
    """What is missing, what is too much, what is other."""
    width = KEYS.get(table, 1)
    differences = []
    rows = {}
    for row in found:
        key = tuple(row[:width])
        if key in rows:
            differences.append(f"{table} {'/'.join(key)}: twice")
        rows[key] = row
    for row in expected:
        key = tuple(row[:width])
        other = rows.pop(key, None)
        if other is None:
            differences.append(f"{table} {'/'.join(key)}: missing")
        elif not keys_only and other != row:
            names = [name for name, left, right in zip(columns, row, other) if left != right] or ["number of cells"]
            at = columns.index(names[0]) if names[0] in columns else 0
            differences.append(f"{table} {'/'.join(key)}: other {', '.join(names)}: {other[at][:200]!r}, not {row[at][:200]!r}")
    if not keys_only:
        differences += [f"{table} {'/'.join(key)}: should not be there" for key in rows]
    return differences
