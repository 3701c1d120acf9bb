"""`onedoor up`, `status` and `down` as a person gives them, in a copy of the house whose services are stand-ins."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from events.contracts.channels import SERVICES
from local.places import CHECKOUT
from local.state import StateFolder

STANDIN = Path(__file__).with_name("standin.py")


class House:
    """A checkout with stand-ins for services, and a state folder."""

    def __init__(self, folder: Path, kafka: str) -> None:
        self.state = folder / "state"
        source = folder / "house"
        for part in ("libs", "deploy"):
            shutil.copytree(CHECKOUT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in SERVICES:
            package = source / "services" / name
            package.mkdir(parents=True)
            (package / "__init__.py").touch()
            shutil.copy(STANDIN, package / "__main__.py")
        paths = [str(source / part) for part in ("libs", "services", "deploy")]
        self._env = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "OIDC_ISSUER")},
            "PYTHONPATH": os.pathsep.join(paths),
            "ONEDOOR_HOME": str(self.state),
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "ONEDOOR_EMITTERS": "own/emitters.yaml",
            "COLUMNS": "200",
        }
        self._folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def onedoor(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "onedoor", *words]
        return subprocess.run(
            command, env=self._env, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False
        )

    def up(self) -> "subprocess.Popen[bytes]":
        """`onedoor up` in the background, once it says that it is up."""
        output = self._folder / "up.log"
        with output.open("wb") as log:
            command = [sys.executable, "-m", "onedoor", "up", "--free-ports"]
            process = subprocess.Popen(command, env=self._env, cwd=self._folder, stdout=log, stderr=log)
        self.started.append(process)
        end = time.monotonic() + 90
        while "Ctrl-C stops" not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < end, output.read_text()
            time.sleep(0.05)
        return process


@pytest.fixture
def house(folder: Path, kafka: str) -> Iterator[House]:
    made = House(folder, kafka)
    yield made
    for process in made.started:
        process.kill()
        process.wait()


def test_up_status_down_and_wipe(house: House) -> None:
    process = house.up()
    standing = json.loads(house.onedoor("status", "--json").stdout)
    assert sorted(standing) == sorted(SERVICES)
    assert all(one["ready"] for one in standing.values())
    shown = house.onedoor("status").stdout
    assert "relay" in shown
    assert "the judged tables are generation 1, live, since 01/07/2017 07:00" in shown
    assert house.onedoor("token", "receptionist.PAC-193").stdout.count(".") == 2  # a JWT, and nothing else
    refused = house.onedoor("token", "king.PAC-193")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)

    second = house.onedoor("up")
    assert second.returncode == 3
    assert "already runs" in second.stderr
    assert "intake" in second.stdout  # where it runs

    assert house.onedoor("down", "--wipe", "--yes").returncode == 0
    assert process.wait(timeout=30) == 0
    assert not house.state.exists()


def test_a_file_that_the_environment_names_is_told_to_the_services(house: House) -> None:
    """As `onedoor conform` reads it: from where the command is given."""
    house.up()
    about = StateFolder(house.state).announced()
    assert about is not None
    with urlopen(f"{about['urls']['intake']}/told") as answer:
        assert json.load(answer)["ONEDOOR_EMITTERS"] == str(house.state.parent.resolve() / "own" / "emitters.yaml")


def test_ctrl_c_stops_everything(house: House) -> None:
    process = house.up()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert not StateFolder(house.state).held
    assert (house.state / "secrets.json").exists()  # the next one goes on where this one was


def test_a_killed_up_leaves_nothing_that_stops_the_next_one(house: House) -> None:
    process = house.up()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert house.onedoor("status").returncode == 1
    process = house.up()
    assert house.onedoor("status").returncode == 0
    assert house.onedoor("down").returncode == 0


def test_what_goes_wrong_is_one_line(house: House) -> None:
    said = house.onedoor("status")
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert "onedoor up" in said.stderr


def test_wiping_leaves_what_is_not_ours(house: House) -> None:
    house.state.mkdir()
    (house.state / "thesis.txt").write_text("years of work")
    (house.state / "logs").mkdir()
    assert house.onedoor("down", "--wipe", "--yes").returncode == 0
    assert [path.name for path in house.state.iterdir()] == ["thesis.txt"]
