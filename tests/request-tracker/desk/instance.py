"""One running Request Tracker: its folder, its database, its server. Nothing outside the folder is written.

The server runs under a supervisor, a process of this script. The supervisor opens the port and hands it to
the server, so that a port is never lost between finding and using it, and so that the first request simply
waits until the server takes it. It ends the server when it is told to, when its input closes (`serve`) and,
by the kernel's parent-death signal, when it is killed itself.
"""

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from . import install
from .client import Client, Refused

USER = "root"
PASSWORD = "correct horse"
START_SECONDS = 120
STOP_SECONDS = 10

# Paths that RT would otherwise share with a system-wide installation are set before anything reads them.
CONFIG = """\
$RT::VarPath = '{folder}';
$RT::MasonDataDir = '{folder}/mason';
$RT::MasonSessionDir = '{folder}/session';
Set($rtname, 'desk.example');
Set($Organization, 'desk.example');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($Timezone, 'Asia/Tokyo');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
# Outgoing mail is kept in the folder, and recorded in the tickets' history like on a real desk.
Set($MailCommand, 'mbox');
Set($CorrespondAddress, 'help@desk.example');
Set($CommentAddress, 'comment@desk.example');
# With basic auth the password is hashed for every request; at RT's own cost that takes 60 ms and more.
Set($BcryptCost, 4);
Set($InitialdataFormatHandlers, ['perl', 'RT::Initialdata::JSON']);
1;
"""


class Instance:
    """The Request Tracker in `folder`."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.database = self.folder / "rt.sqlite"
        self._state = self.folder / "instance.json"

    def client(self):
        """Speaks to it as its root user. Fails where it is not running."""
        state = self.state()
        return Client(state["port"], state["user"], state["password"])

    def state(self):
        """What a caller needs to know: `url`, `port`, `user`, `password`, `database`, `pid`."""
        try:
            return json.loads(self._state.read_text())
        except FileNotFoundError:
            raise SystemExit(f"no Request Tracker runs in {self.folder}; start one: rt start {self.folder}") from None

    def start(self, workers):
        """Starts it in the background and returns when it answers."""
        install.require()
        self.folder.mkdir(parents=True, exist_ok=True)
        read, write = os.pipe()
        with open(self.folder / "server.log", "ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, sys.argv[0], "supervise", str(self.folder), "--workers", str(workers), "--ready-fd", str(write)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=[write],
            )
        os.close(write)
        # The supervisor writes one byte when the server answers; if it ends before that, the pipe just closes.
        with open(read, "rb") as pipe:
            if not pipe.read(1):
                supervisor.wait()
                raise SystemExit(f"Request Tracker did not start; see {self.folder}/server.log")
        return self.state()

    def serve(self, workers, until_input_closes, ready):
        """Runs it until a signal comes, or the standard input closes where asked for. Calls `ready` once."""
        install.require()
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = open(self.folder / "lock", "w")  # kept open: the lock goes when this process does
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"a Request Tracker runs in {self.folder} already; stop it: rt stop {self.folder}") from None
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = listener.getsockname()[1]
        self._prepare(port)
        server = self._spawn(listener, workers)
        # Only the server holds the port now: should it end, clients see that at once.
        listener.close()
        try:
            self._state.touch(mode=0o600)
            self._state.write_text(json.dumps({
                "url": f"http://127.0.0.1:{port}/REST/2.0", "port": port, "user": USER, "password": PASSWORD,
                "database": str(self.database), "pid": os.getpid(),
            }))
            self._wait_until_it_answers(server)
            ready(self.state())
            pidfd = os.pidfd_open(server.pid)
            watched = [wake_read, pidfd] + ([sys.stdin.fileno()] if until_input_closes else [])
            while True:
                readable, _, _ = select.select(watched, [], [])
                if pidfd in readable:
                    raise SystemExit(f"Request Tracker ended by itself; see {self.folder}/server.log")
                if wake_read in readable or not os.read(sys.stdin.fileno(), 4096):
                    return
        finally:
            self._state.unlink(missing_ok=True)
            _end(server)

    def stop(self):
        """Stops it, for sure. Does nothing where it is not running."""
        try:
            pid = json.loads(self._state.read_text())["pid"]
            pidfd = os.pidfd_open(pid)
        except (FileNotFoundError, ProcessLookupError):
            self._state.unlink(missing_ok=True)
            return
        # The number may belong to another process by now: only ours has the folder in its command line.
        if str(self.folder).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            self._state.unlink(missing_ok=True)
            return
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if not select.select([pidfd], [], [], 2 * STOP_SECONDS)[0]:
            # The kernel then ends the server: see _spawn.
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            select.select([pidfd], [], [])
        self._state.unlink(missing_ok=True)

    def _environment(self):
        # A folder of the system's own settings would be read after ours otherwise.
        return os.environ | {
            "RT_SITE_CONFIG": str(self.folder / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.folder / "no-more-settings"),
            "LC_ALL": "C.UTF-8",
        }

    def _prepare(self, port):
        for name in ("mason", "session"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "RT_SiteConfig.pm").write_text(CONFIG.format(folder=self.folder, port=port))
        if self.database.exists():
            return
        password = self.folder / "root-password"
        password.write_text(PASSWORD)
        unfinished = self.folder / "rt.sqlite.new"
        unfinished.unlink(missing_ok=True)
        config = self.folder / "RT_SiteConfig.new.pm"
        config.write_text(CONFIG.format(folder=self.folder, port=port).replace("rt.sqlite", unfinished.name))
        self._setup("init", config, "--root-password-file", password)
        # Before the server starts: it learns of custom roles only then.
        self._setup("insert", config, "--datafile", Path(__file__).with_name("structure.json"))
        config.unlink()
        password.unlink()
        # A write-ahead log lets workers read while one writes; the setting stays with the file.
        connection = sqlite3.connect(unfinished)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        unfinished.rename(self.database)

    def _setup(self, action, config, *arguments):
        command = [install.SETUP, "--action", action, "--skip-create", *arguments]
        environment = self._environment() | {"RT_SITE_CONFIG": str(config)}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # RT logs what it could not insert as an error, and goes on.
        if done.returncode != 0 or "[error]" in done.stdout or "[critical]" in done.stdout:
            raise SystemExit(f"rt-setup-database --action {action} failed:\n{done.stdout}")

    def _spawn(self, listener, workers):
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def die_with_parent():
            pr_set_pdeathsig = 1
            libc.prctl(pr_set_pdeathsig, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        # Handing over an open port is the protocol of Perl's Server::Starter, which Starlet follows.
        handed = f"127.0.0.1:{listener.getsockname()[1]}={listener.fileno()}"
        with open(self.folder / "server.log", "ab") as log:
            return subprocess.Popen(
                # A worker that is replaced must warm up again.
                [install.SERVER, "--max-workers", str(workers), "--max-reqs-per-child", "10000"],
                env=self._environment() | {"SERVER_STARTER_PORT": handed}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[listener.fileno()], start_new_session=True, preexec_fn=die_with_parent,
            )

    def _wait_until_it_answers(self, server):
        client = self.client()
        client.timeout = START_SECONDS
        try:
            client.get("/rt")
        except (OSError, Refused) as error:
            server.poll()
            raise SystemExit(f"Request Tracker does not answer ({error}); see {self.folder}/server.log") from error


def _end(server):
    """Ends the server and its workers, which share its session."""
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    server.wait()
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(server.pid, 0)
        except ProcessLookupError:
            return
        os.sched_yield()
