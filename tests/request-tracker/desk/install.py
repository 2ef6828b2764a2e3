"""Finds Request Tracker 5, or installs it where this is Debian and we are root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ["request-tracker5", "rt5-db-sqlite", "rt5-standalone"]
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
SETUP = Path("/usr/sbin/rt-setup-database-5")
# Tests see with this what happens where it can neither be found nor installed.
MISSING = bool(os.environ.get("DESKVAULT_TEST_NO_REQUEST_TRACKER"))


class Missing(Exception):
    """Request Tracker is not here; the message says what to install."""


def installed():
    """Whether everything that `start` needs is here."""
    return not MISSING and SERVER.exists() and SETUP.exists() and Path("/usr/share/perl5/Plack/Handler/Starlet.pm").exists()


def require():
    """Raises [Missing] with what to do where Request Tracker is not installed."""
    if not installed():
        raise Missing(
            "Request Tracker 5 is not installed. On Debian or Ubuntu, as root:\n"
            f"  apt-get install --no-install-recommends {' '.join(PACKAGES)}"
        )


def install():
    """Installs the packages. Does nothing where they are here already."""
    if installed():
        return
    if MISSING or os.geteuid() != 0 or not shutil.which("apt-get"):
        require()
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES]
    # The package lists may be missing, or older than the mirror: only then are they fetched.
    if subprocess.run(command, env=environment, stdout=sys.stderr).returncode != 0:
        subprocess.run(["apt-get", "update", "--quiet"], env=environment, stdout=sys.stderr)
        subprocess.run(command, env=environment, stdout=sys.stderr)
    require()
