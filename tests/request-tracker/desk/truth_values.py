"""How single values stand in Request Tracker's database, and what is meant by them."""

import base64
import binascii
import ipaddress
import json
import re
import subprocess
from collections import Counter, defaultdict
from email.parser import HeaderParser

UNSET = "1970-01-01 00:00:00"


def text(value):
    """A text column. What is not UTF-8 is taken byte by byte, like RT does."""
    if value is None:
        return ""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def number(value):
    """A number; the empty string where there is none."""
    return "" if value is None else str(value)


def instant(value):
    """A time, which the archive writes like the database: in UTC, to the second."""
    return UNSET if value is None else text(value)


def rfc3339(value):
    """A time as RT writes it where it is one of several values in a cell."""
    return instant(value).replace(" ", "T") + "Z"


def date(value):
    """A date that may be unset, which in RT is 1970."""
    return "" if instant(value) == UNSET else instant(value)


def listed(values):
    """Several values in one cell: a JSON list; the empty string where there are none."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if values else ""


def column_names(kind, things):
    """`CF.{Name}`; with the number where fields share a name."""
    names = Counter(name.lower() for _, name, _ in things)
    return [f"{kind}.{{{name}}}" + (f" ({number})" if names[name.lower()] > 1 else "") for number, name, _ in things]


def header(row, name):
    """A header of an attachment."""
    return HeaderParser().parsestr(text(row["Headers"])).get(name, "").strip()


def headers(row):
    """All headers of an attachment. RT keeps back who got a blind copy, and the line break at the end."""
    lines = re.split(r"\n(?=\w|\Z)", text(row["Headers"]))
    return "\n".join(line for line in lines if not line.lower().startswith("rt-send-bcc")).removesuffix("\n")


def unpacked(raw, encoding):
    """Bytes as they were before RT wrote them in a way that the database takes."""
    raw, encoding = raw or b"", text(encoding)
    raw = raw if isinstance(raw, bytes) else str(raw).encode()
    if encoding == "base64":
        return base64.b64decode(raw)
    return binascii.a2b_qp(raw) if encoding == "quoted-printable" else raw


def content(row):
    """The text of an attachment: what the column holds, decoded twice."""
    raw = unpacked(row["Content"], row["ContentEncoding"])
    # RT converts text to UTF-8 when it arrives, and says so in the header that it keeps.
    charset = HeaderParser().parsestr(text(row["Headers"])).get_content_charset("utf-8")
    return raw.decode(charset)


def attribute(row):
    """The content of an RT attribute, which is a frozen structure of Perl. Perl thaws it; RT is not asked."""
    if text(row["ContentType"]) != "storable":
        return text(row["Content"])
    program = "local $/; print JSON::PP->new->utf8->canonical->encode(Storable::thaw(MIME::Base64::decode_base64(<STDIN>)))"
    modules = ["-MStorable", "-MMIME::Base64", "-MJSON::PP"]
    thawed = subprocess.run(["perl", *modules, "-e", program], input=row["Content"], capture_output=True, check=True)
    return json.dumps(json.loads(thawed.stdout), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def link_lists(truth, article=False):
    """For each ticket (or article): relation -> what it links to. RT hides links from and to deleted tickets."""
    def end(uri):
        uri = text(uri)
        found = re.fullmatch(r"fsck\.com-(rt|article)://[^/]+/(ticket|article)/(\d+)", uri)
        if not found:
            return None, None, uri
        kind, key = found[2], int(found[3])
        if kind == "ticket" and key not in truth.tickets:
            # RT cannot resolve it, and gives what the column holds.
            return None, None, uri
        return kind, truth.effective(key) if kind == "ticket" else key, uri

    kinds = {"DependsOn": ("DependsOn", "DependedOnBy"), "MemberOf": ("MemberOf", "Members"), "RefersTo": ("RefersTo", "ReferredToBy")}
    links = defaultdict(lambda: defaultdict(list))
    for row in truth.query("SELECT * FROM Links ORDER BY id"):
        if text(row["Type"]) not in kinds:
            continue
        ends = [end(row["Base"]), end(row["Target"])]
        if any(kind == "ticket" and text(truth.tickets[key]["Status"]) == "deleted" for kind, key, _ in ends) and ends[1][0]:
            continue
        for (kind, key, _), (other_kind, other, uri), relation in zip(ends, reversed(ends), kinds[text(row["Type"])]):
            if kind == ("article" if article else "ticket"):
                links[key][relation].append(uri if other_kind is None else str(other) if other_kind == "ticket" else {"id": str(other), "type": other_kind})
    for relations in links.values():
        for values in relations.values():
            # RT promises no order.
            values.sort(key=lambda value: (len(value), value) if isinstance(value, str) else (0, json.dumps(value)))
    return links


class CustomFields:
    """Custom fields and their values. RT does not show values of fields that are disabled, or not applied any more."""

    def __init__(self, truth):
        self._fields = {row["id"]: row for row in truth.query("SELECT * FROM CustomFields ORDER BY id")}
        self._applied = defaultdict(set)
        for row in truth.query("SELECT CustomField, ObjectId FROM ObjectCustomFields"):
            self._applied[row["CustomField"]].add(row["ObjectId"])
        self._rows = {row["id"]: row for row in truth.query("SELECT * FROM ObjectCustomFieldValues ORDER BY SortOrder, id")}
        self._values = defaultdict(list)
        for row in self._rows.values():
            if not row["Disabled"]:
                self._values[row["CustomField"], text(row["ObjectType"]), row["ObjectId"]].append(row)

    def of(self, lookup):
        """The enabled fields of this kind of object."""
        return [row for row in self._fields.values() if text(row["LookupType"]) == lookup and not row["Disabled"]]

    def columns(self, lookup):
        """The names of their columns."""
        return column_names("CF", [(row["id"], text(row["Name"]), None) for row in self.of(lookup)])

    def cells(self, lookup, kind, key, applied_to):
        """The cells of one object. `applied_to` is its queue or class, where fields are applied by those."""
        cells = []
        for field in self.of(lookup):
            values = []
            if self._applied[field["id"]] & {0, applied_to}:
                values = [self.value(field, row) for row in self._values[field["id"], kind, key]]
            if field["MaxValues"] == 1 and len(values) == 1 and isinstance(values[0], str):
                cells.append(values[0])
            elif field["MaxValues"] == 1 and len(values) == 1:
                cells.append(listed(values[0]))
            else:
                cells.append(listed(values))
        return cells

    def value(self, field, row):
        """One value."""
        kind = text(field["Type"])
        if kind in ("Image", "Binary"):
            return {"ContentType": text(row["ContentType"]), "Filename": text(row["Content"]), "id": str(row["id"])}
        if kind == "DateTime":
            return instant(row["Content"]) if field["MaxValues"] == 1 else rfc3339(row["Content"])
        return self.raw(row["id"])

    def raw(self, key):
        """What a value with this number holds."""
        row = self._rows[key]
        kind = text(self._fields[row["CustomField"]]["Type"])
        if kind in ("IPAddress", "IPAddressRange"):
            first = address(row["Content"])
            last = address(row["LargeContent"]) if kind == "IPAddressRange" and row["LargeContent"] else first
            return first if first == last else f"{first}-{last}"
        long = not text(row["Content"]) and text(row["ContentType"]) == "text/plain"
        return text(unpacked(row["LargeContent"], row["ContentEncoding"]) if long else row["Content"])


def address(value):
    """An IP address, which RT keeps with leading zeroes so that it sorts."""
    value = text(value)
    if ":" in value:
        return str(ipaddress.ip_address(value))
    return ".".join(str(int(part)) for part in value.split("."))
