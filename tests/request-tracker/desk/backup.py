"""The main job, shown on a live desk: build everything, start and fill a Request Tracker, back it up, check the archive."""

import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from . import install
from .compare import compare
from .fill import fill
from .instance import Instance
from .truth import write_truth

ROOT = Path(__file__).resolve().parents[3]

CONFIG = Path(__file__).resolve().parents[1] / "deskvault.toml"


def backup(tickets):
    """Does all of it; the archive stays, the desk does not. Raises SystemExit where anything fails."""
    install.install()
    step("building everything: cargo build --release --workspace")
    run(["cargo", "build", "--release", "--workspace"], cwd=ROOT)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
    archives = target / "request-tracker"
    archives.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="request-tracker-") as folder:
        instance = Instance(folder)
        step("starting a Request Tracker of its own")
        # It ends when its input closes: with this process, whatever happens to it.
        server = subprocess.Popen([sys.executable, sys.argv[0], "serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            line = server.stdout.readline()
            if not line:
                raise SystemExit("it did not start:\n" + (Path(folder) / "server.log").read_text(errors="replace"))
            state = json.loads(line)
            print(state["url"])
            step(f"filling it with {tickets} tickets, by its API and its mail gateway; a minute or two")
            fill(instance, tickets)
            config = Path(folder) / "deskvault.toml"
            config.write_text(configuration(state["url"], state["user"], archives))
            step("deskvault backup")
            deskvault = target / "release" / "deskvault"
            known = set(archives.glob("*.zip"))
            run([deskvault, "--config", config, "backup"], env=os.environ | {"RT_PASSWORD": state["password"]})
            [archive] = set(archives.glob("*.zip")) - known
            step("what is in the archive")
            show(archive)
            step("deskvault verify")
            run([deskvault, "verify", archive])
            step("every cell against Request Tracker's own database")
            truth = Path(folder) / "truth"
            write_truth(instance.database, truth, None, None)
            compare(archive, truth)
            step("done")
            print(archive)
        finally:
            server.stdin.close()
            server.wait()


def configuration(url, user, archives):
    """The configuration for a Request Tracker, with where it is and where archives go."""
    text = CONFIG.read_text()
    for key, value in [("url", url), ("user", user)]:
        text, count = re.subn(rf'(?m)^{key} = ".*"$', lambda _: f'{key} = "{value}"', text)
        assert count == 1, key
    # It is run again and again, for a new desk each time: no rule of how often is meant for that.
    return f'{text}\n[limits]\nfull_every = "0s"\n\n[archive]\nfolder = "{archives}"\n'


def step(text):
    """Says what comes next."""
    print(f"\n== {text}", flush=True)


def run(command, **options):
    """Runs a command in sight."""
    done = subprocess.run(command, **options)
    if done.returncode != 0:
        raise SystemExit(f"{Path(command[0]).name} failed with {done.returncode}")


def show(archive):
    """Lists the archive like `unzip -l`."""
    with zipfile.ZipFile(archive) as package:
        for entry in package.infolist():
            print(f"{entry.file_size:>12,}  {entry.filename}")
