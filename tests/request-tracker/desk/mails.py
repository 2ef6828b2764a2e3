"""Mails as they arrive: several character sets, HTML, nested parts, attachments, and broken ones."""

import base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formataddr, format_datetime
from datetime import datetime, timedelta, timezone

from .samples import BYTES, FILENAMES, HTML, PNG, SUBJECTS, TEXTS, pick

KINDS = 16


def mail(number, reply_to=None):
    """The mail with this number, as bytes. With `reply_to`, a ticket's number, it is a reply to that ticket."""
    message = _body(number, number % KINDS)
    subject = pick(SUBJECTS, number)
    if reply_to is not None:
        subject = f"Re: [desk.example #{reply_to}] {subject}"
    if isinstance(message, bytes):
        return _head(number, subject).encode("ascii") + message
    message["From"] = formataddr((f"利用者 {number}", f"customer{number % 40}@example.test"))
    message["To"] = "help@desk.example"
    if subject:
        message["Subject"] = subject.replace("\t", " ")
    message["Date"] = format_datetime(datetime(2031, 3, 12, 7, 0, tzinfo=timezone.utc) + timedelta(minutes=number))
    message["Message-ID"] = f"<mail-{number}-{reply_to or 0}@example.test>"
    if number % 5 == 0:
        message["Cc"] = ", ".join([formataddr(("Cc, Person", "cc@example.test")), formataddr(("日本", "cc2@example.test"))])
    return message.as_bytes()


def _head(number, subject):
    plain = subject.encode("ascii", "ignore").decode().replace("\t", " ")
    return (
        f"From: customer{number % 40}@example.test\nTo: help@desk.example\nSubject: {plain}\n"
        f"Message-ID: <raw-{number}-{abs(len(subject))}@example.test>\n"
    )


def _body(number, kind):
    text, html = pick(TEXTS, number), pick(HTML, number)
    if kind == 0:  # Japanese as most mail in Japan still is
        return MIMEText("お世話になっております。\n注文番号は 12-34 です。\n", "plain", "iso-2022-jp")
    if kind == 1:
        return MIMEText("Café, naïve, 50 £\n", "plain", "iso-8859-1")
    if kind == 2:
        return _mixed(MIMEText(text, "plain", "utf-8"), _file(number, BYTES))
    if kind == 3:
        return _alternative(text, html)
    if kind == 4:  # HTML only
        return MIMEText(html, "html", "utf-8")
    if kind == 5:  # an alternative inside a related inside a mixed, with a picture and a file
        related = MIMEMultipart("related")
        related.attach(_alternative(text, html.replace("<p>", "<p><img src=\"cid:pic\">")))
        picture = MIMEImage(PNG, "png")
        picture.add_header("Content-ID", "<pic>")
        related.attach(picture)
        return _mixed(related, _file(number, "添付の中身\n".encode("shift_jis"), "text/plain; charset=shift_jis"))
    if kind == 6:  # empty
        return MIMEText("", "plain", "utf-8")
    if kind == 7:  # a forwarded mail
        inner = MIMEText("The inner mail: 転送", "plain", "utf-8")
        inner["Subject"], inner["From"] = "内側", "inner@example.test"
        return _mixed(MIMEText("See below.", "plain", "utf-8"), MIMEMessage(inner))
    if kind == 8:  # two bodies and a file between them
        return _mixed(MIMEText("Above: " + text, "plain", "utf-8"), _file(number, b"a;b\r\n1;2\r\n", "text/csv"), MIMEText("Below", "plain", "utf-8"))
    if kind == 9:
        return MIMEText("Здравствуйте, принтер не работает.\n", "plain", "koi8-r")
    if kind == 10:  # says UTF-8, is not
        return b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nbroken \xff\xfe\xe3\x81 bytes\n"
    if kind == 11:  # says nothing, is UTF-8
        return b"\n" + "No header says what this is: 日本語 é\n".encode()
    if kind == 12:  # an unknown character set
        return b"MIME-Version: 1.0\nContent-Type: text/plain; charset=x-unknown-8bit\nContent-Transfer-Encoding: 8bit\n\nwhat \xe9 is this\n"
    if kind == 13:  # a length that lies
        return b"MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\nContent-Length: 1\n\nLonger than one byte.\n"
    if kind == 14:  # only a file
        return _file(number, BYTES, "application/pdf")
    return MIMEText(text, "plain", "utf-8")


def _alternative(text, html):
    both = MIMEMultipart("alternative")
    both.attach(MIMEText(text, "plain", "utf-8"))
    both.attach(MIMEText(html, "html", "utf-8"))
    return both


def _mixed(*parts):
    mixed = MIMEMultipart("mixed")
    for part in parts:
        mixed.attach(part)
    return mixed


def _file(number, content, kind="application/octet-stream"):
    holder = MIMEBase(*kind.partition(";")[0].split("/"))
    if charset := kind.partition("charset=")[2]:
        holder.set_param("charset", charset)
    holder.set_payload(base64.encodebytes(content).decode())
    holder["Content-Transfer-Encoding"] = "base64"
    name = pick(FILENAMES, number)
    # Names beyond ASCII come in two ways: as RFC 2231 says, and as most programs write them.
    if not name.isascii():
        name = ("utf-8", "", name) if number // len(FILENAMES) % 2 else Header(name, "utf-8", maxlinelen=1000).encode()
    holder.add_header("Content-Disposition", "attachment", filename=name)
    return holder
