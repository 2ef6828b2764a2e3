"""A small client of Request Tracker: REST 2.0 with JSON, and the door that its mail gateway uses."""

import base64
import http.client
import json
import re
import uuid
from urllib.parse import quote


# What RT answers where it did what it was asked. It has no code for that: a refusal is a message among others.
DONE = re.compile("|".join([
    r"Comments added", r"Correspondence added", r"Custom fields updated", r"Merge Successful", r"Member added: .+",
    r"(Ticket|Article) \d+: \S.* changed from .+ to .+", r"Ticket \d+: Worked .+",
    r"(Ticket \d+|URI \S+) (depends on|member of|refers to|no longer depends on) .+",
    r".+ (added|changed to .+|added as a value for .+|is no longer a value for custom field .+)",
    r"Added .+ as .+ for this (ticket|queue)", r".+ is no longer .+ for this ticket",
]), re.DOTALL)


class Refused(Exception):
    """Request Tracker answered, but not with success."""


def must_say(path, messages):
    """Raises [Refused] where a message is not known to mean that it was done, or nothing was done."""
    refusals = [message for message in messages if not isinstance(message, str) or not DONE.fullmatch(message)]
    if refusals or not messages:
        raise Refused(f"{path}: {refusals or 'nothing was done'}")


class Client:
    """Speaks to one Request Tracker on loopback, over one connection at a time."""

    def __init__(self, port, user, password):
        self.port = port
        self.timeout = 60
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def get(self, path):
        """The answer to a GET below REST/2.0."""
        return self._rest("GET", path, None)

    def post(self, path, body):
        """Creates, acts or searches. Returns the answer."""
        answer = self._rest("POST", path, body)
        # An action is answered like a change, a search with items, a creation with what was created.
        if isinstance(answer, list):
            must_say(path, answer)
        elif "items" not in answer and not answer.get("id"):
            raise Refused(f"POST {path}: {answer!r}")
        return answer

    def put(self, path, body):
        """Changes. RT answers with a list of messages, and with 200 also where it refused: see `must_say`."""
        answer = self._rest("PUT", path, body)
        must_say(path, answer)
        return answer

    def delete(self, path):
        """Deletes, or disables."""
        return self._rest("DELETE", path, None)

    def mail(self, message, queue, action="correspond"):
        """Delivers a mail (bytes) like `rt-mailgate --queue QUEUE --action ACTION` does."""
        boundary = uuid.uuid4().hex
        parts = [("action", action.encode()), ("queue", queue.encode()), ("SessionType", b"REST"), ("message", message)]
        body = b""
        for name, value in parts:
            kind = "Content-Type: application/octet-stream\r\n" if name == "message" else ""
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n{kind}\r\n'.encode()
            body += value + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self._send("POST", "/REST/1.0/NoAuth/mail-gateway", body, headers)
        if not answer.startswith(b"ok"):
            raise Refused(f"mail gateway: {answer[:300]!r}")

    def _rest(self, method, path, body):
        headers = dict(self._headers)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        answer = self._send(method, "/REST/2.0" + quote(path, safe="/?&=,%[]"), data, headers)
        return json.loads(answer) if answer else None

    def _send(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            answer = response.read()
            if not 200 <= response.status < 300:
                raise Refused(f"{method} {path}: {response.status} {answer[:300]!r}")
            return answer
        finally:
            connection.close()
