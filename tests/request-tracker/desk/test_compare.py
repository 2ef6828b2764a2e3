"""Damages a good archive in each way that a backup could, and expects `compare` to find it."""

import contextlib
import io
import json
import tempfile
import unittest
import zipfile
from pathlib import Path

from .compare import TABLES, compare

LABEL = "=Label"


def truth():
    """Table -> columns and rows, small: two rows each, but for one table without any."""
    tables = {table: (["id", "Text"], [["2", "日本\n語"], ["10", "\"a\", b"]]) for table in TABLES}
    tables["GroupMembers"] = (["GroupId", "MemberType", "MemberId"], [["2", "user", "1"], ["2", "group", "1"]])
    tables["Articles"] = (["id", "Text"], [])
    return tables


def rendered(rows, end="\r\n"):
    """The rows as CSV."""
    return end.join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows) + end


def good():
    """File -> content of an archive that is as it must be. One table has two parts."""
    files = {}
    for table, (columns, rows) in truth().items():
        head = [[LABEL] * len(columns), columns]
        cuts = [rows[:1], rows[1:]] if table == "Users" else [rows]
        files |= {f"{table}__{number}.csv": rendered(head + cut) for number, cut in enumerate(cuts, 1)}
    return said(files)


def said(files):
    """The files, with the manifest that tells of them."""
    tables = [
        {"name": table, "columns": [{"name": name, "label": LABEL} for name in columns],
         "files": [{"name": name} for name in sorted(files) if name.startswith(f"{table}__")]}
        for table, (columns, _) in truth().items()
    ]
    return files | {"manifest.json": json.dumps({"state": "complete", "tables": tables})}


class Compare(unittest.TestCase):
    """Each test is one comparison of an archive with a truth; what is found is told by the exit."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def differences(self, files, *, before=None, after=None, ordered=True, archive=None):
        """What `compare` prints of it; empty where it finds nothing."""
        path = self.folder / "archive.zip"
        if archive is None:
            with zipfile.ZipFile(path, "w") as package:
                for name, content in files.items():
                    package.writestr(name, content)
        else:
            path.write_bytes(archive)
        folders = [self.write(name, tables) for name, tables in (("before", before or truth()), ("after", after))]
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                compare(path, folders[0], folders[1], ordered)
            except SystemExit as found:
                self.assertRegex(str(found.code), r"^\d+ differences$")
                return out.getvalue()
        return ""

    def write(self, name, tables):
        """Writes a truth."""
        if tables is None:
            return None
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for table, (columns, rows) in tables.items():
            (folder / f"{table}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [columns, *rows]))
        return folder

    def test_a_good_archive_is_good(self):
        self.assertEqual(self.differences(good()), "")

    def test_every_damage_is_found(self):
        users = "Users__2.csv"
        tickets = "Tickets__1.csv"
        content = good()[tickets]
        damages = {
            "no manifest": lambda files: files.pop("manifest.json"),
            "a manifest that is none": lambda files: files.update({"manifest.json": "{"}),
            "a manifest of nothing": lambda files: files.update({"manifest.json": '{"state": "complete", "tables": []}'}),
            "an unfinished backup": lambda files: files.update({"manifest.json": files["manifest.json"].replace("complete", "partial")}),
            "a foreign table": lambda files: files.update({"Extra__1.csv": content}),
            "a file of another name": lambda files: files.update({"extra.csv": content}),
            "a part with another number": lambda files: files.update({"Users__7.csv": files.pop(users)}),
            "a part with a zero before": lambda files: files.update({"Users__02.csv": files.pop(users)}),
            "a part lost": lambda files: files.pop(users),
            "an empty table lost": lambda files: files.pop("Articles__1.csv"),
            "a table lost, in the manifest too": lambda files: (files.pop("Articles__1.csv"), files.update(said(files))),
            "no names": lambda files: files.update({"Articles__1.csv": '"=Label","=Label"\r\n'}),
            "an empty file": lambda files: files.update({"Articles__1.csv": ""}),
            "a label lost": lambda files: files.update({tickets: content.replace('"=Label",', "", 1)}),
            "an empty label": lambda files: files.update({tickets: content.replace("=Label", "", 1)}),
            "a garbled label": lambda files: files.update({tickets: content.replace("Label", "Lbael", 1)}),
            "another name": lambda files: files.update({tickets: content.replace("Text", "text", 1)}),
            "a byte-order mark": lambda files: files.update({tickets: "\ufeff" + content}),
            "LF": lambda files: files.update({tickets: content.replace("\r\n", "\n")}),
            "one LF": lambda files: files.update({tickets: content.replace("\r\n", "\n", 1)}),
            "CR": lambda files: files.update({tickets: content.replace("\r\n", "\r")}),
            "no end": lambda files: files.update({tickets: content.removesuffix("\r\n")}),
            "no UTF-8": lambda files: files.update({tickets: content.encode().replace("日".encode(), b"\xff")}),
            "a quote too much": lambda files: files.update({tickets: content.replace('""a', '"a')}),
            "another cell": lambda files: files.update({tickets: content.replace("日本", "日木")}),
            "a line break changed": lambda files: files.update({tickets: content.replace("本\n", "本\r\n")}),
            "a cell too much": lambda files: files.update({tickets: content.replace('"2",', '"2","",')}),
            "a cell lost": lambda files: files.update({tickets: content.replace('"2",', "")}),
            "a row lost": lambda files: files.update({tickets: content.replace('"10","""a"", b"\r\n', "")}),
            "a row twice": lambda files: files.update({tickets: content + '"10","""a"", b"\r\n'}),
            "a row too much": lambda files: files.update({tickets: content + '"11","x"\r\n'}),
            "an empty row": lambda files: files.update({tickets: content + "\r\n"}),
            "rows shuffled": lambda files: files.update({tickets: rendered([[LABEL] * 2, ["id", "Text"], *reversed(truth()["Tickets"][1])])}),
            "parts swapped": lambda files: files.update({users: files["Users__1.csv"], "Users__1.csv": files[users]}),
        }
        for name, damage in damages.items():
            with self.subTest(name):
                files = good()
                damage(files)
                self.assertNotEqual(files, good(), "nothing was damaged")
                self.assertTrue(self.differences(files))

    def test_a_file_twice_and_a_broken_zip_are_found(self):
        self.differences(good())
        whole = (self.folder / "archive.zip").read_bytes()
        for archive in (whole[:-30], whole.replace("日本".encode(), "日木".encode()), b""):
            self.assertTrue(self.differences({}, archive=archive))
        with zipfile.ZipFile(self.folder / "archive.zip", "w") as package, self.assertWarns(UserWarning):
            for name, content in [*good().items(), ("Users__1.csv", good()["Users__1.csv"])]:
                package.writestr(name, content)
        self.assertTrue(self.differences({}, archive=(self.folder / "archive.zip").read_bytes()))

    def test_a_truth_that_says_nothing_is_found(self):
        for table in TABLES:
            with self.subTest(table):
                self.write("before", truth())
                (self.folder / "before" / f"{table}.jsonl").unlink()
                tables = {name: content for name, content in truth().items() if name != table}
                self.assertTrue(self.differences(good(), before=tables))
        self.write("before", truth())
        (self.folder / "before" / "Users.jsonl").write_text("")
        tables = {name: content for name, content in truth().items() if name != "Users"}
        self.assertTrue(self.differences(good(), before=tables))
        # No rows, and no tables in the archive either.
        nothing = {table: (columns, []) for table, (columns, _) in truth().items()}
        self.assertTrue(self.differences({"manifest.json": '{"state": "complete", "tables": []}'}, before=nothing))

    def test_a_range_may_stand_in_any_order(self):
        files = good()
        files["Tickets__1.csv"] = rendered([[LABEL] * 2, ["id", "Text"], *reversed(truth()["Tickets"][1])])
        self.assertEqual(self.differences(files, ordered=False), "")

    def test_what_nobody_touched_is_compared_while_people_work(self):
        after = truth()
        after["Tickets"][1][0][1] = "changed"
        after["Tickets"][1].append(["11", "new"])
        tickets = good()["Tickets__1.csv"]
        cases = [
            ("as before", tickets, True),
            ("changed", tickets.replace("日本\n語", "between"), True),
            ("with the new one", tickets + '"11","new"\r\n', True),
            ("other where nobody was", tickets.replace('""a""', "b"), False),
            ("lost", rendered([[LABEL] * 2, ["id", "Text"], ["10", "\"a\", b"]]), False),
            ("from nowhere", tickets + '"12","x"\r\n', False),
        ]
        for name, content, fine in cases:
            with self.subTest(name):
                found = self.differences(good() | {"Tickets__1.csv": content}, after=after)
                self.assertEqual(not found, fine, found)
        self.assertIn("nobody worked", self.differences(good(), after=truth()))
        history = truth()
        history["Transactions"][1].pop()
        self.assertIn("nothing can do", self.differences(good(), after=history))
