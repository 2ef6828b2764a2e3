"""A small client of Request Tracker: REST 2.0 with JSON, and the door that its mail gateway uses."""

import base64
import http.client
import json
import uuid
from urllib.parse import quote


class Refused(Exception):
    """Request Tracker answered, but not with success."""


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
        """Creates, or acts. Returns the answer."""
        return self._rest("POST", path, body)

    def put(self, path, body):
        """Changes. RT answers with a list of messages, and with 200 also where it refused: see `must_say`."""
        return self._rest("PUT", path, body)

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
