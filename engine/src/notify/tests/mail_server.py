"""An SMTP server on a free port of loopback, for the tests of e-mail. It needs aiosmtpd.

Its one argument is JSON: `login` ([user, password], needed before a message is taken), `tls` ("starttls" or "smtps", with
`certificate` and `key`), `refuse` (addresses that get 550), `busy` (addresses that get 450), `silent` (true: a message is never answered).
The first line it prints is its port. After it there is a line of JSON for each message that it took. It ends with its
standard input.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, wanted):
        self.wanted = wanted

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.wanted.get("refuse", []):
            return "550 5.1.1 nobody of that name"
        if address in self.wanted.get("busy", []):
            return "450 4.2.1 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.wanted.get("silent"):
            print(json.dumps({"silent": True}), flush=True)
            await asyncio.sleep(3600)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        told = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "login": getattr(session, "auth_data", None) is not None,
            "headers": [[name, str(value)] for name, value in message.items()],
            "text": message.get_content(),
            "raw": envelope.content.decode("ascii", "replace"),
        }
        print(json.dumps(told), flush=True)
        return "250 OK"


def authenticator(login):
    def check(server, session, envelope, mechanism, data):
        given = [data.login.decode(), data.password.decode()]
        # A server that says too much: what it says must not get into a log.
        if given != login:
            return AuthResult(success=False, handled=False, message=f"535 5.7.8 no {given[1]} here")
        return AuthResult(success=True, auth_data=data)

    return check


async def main(wanted):
    context = None
    if "tls" in wanted:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(wanted["certificate"], wanted["key"])
    starttls = wanted.get("tls") == "starttls"
    login = wanted.get("login")

    def session():
        return SMTP(
            Handler(wanted),
            enable_SMTPUTF8=True,
            hostname="mail.example",
            tls_context=context if starttls else None,
            require_starttls=starttls,
            authenticator=authenticator(login) if login else None,
            auth_required=bool(login),
            auth_require_tls=starttls,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=None if starttls else context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main(json.loads(sys.argv[1])))
