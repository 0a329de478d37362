"""`latentwalk serve`: who may ask, what is said, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from latentwalk.app import served
from latentwalk.app.served import Address, served_runs
from latentwalk.errors import ConfigError

pytestmark = pytest.mark.skipif(not all(map(find_spec, served.NEEDED)), reason="needs latentwalk[studio]")


def asked(url, body=None, **headers):
    request = urllib.request.Request(url, body, {"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def test_it_answers_until_it_is_told_to_end(run):
    words = [sys.executable, "-m", "latentwalk", "serve", run, "--port", "0"]
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            said = [process.stdout.readline(), process.stdout.readline()]
            assert said[0] == f"{run.name}: image, 2 dimensions\n"
            url = re.search(r"http://127\.0\.0\.1:\d+", said[1])[0]
            assert asked(f"{url}/health") == {"status": "ok", "runs": [run.name]}
            assert len(asked(f"{url}/v1/{run.name}/walk", b'{"points": [{"row": 1}, {"label": "7"}]}')["x"]) == 11
            process.send_signal(signal.SIGTERM)
            out, error = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, out, error) == (0, "", "closed.\n")


def test_ctrl_c_ends_it(call, run, monkeypatch):
    def pressed(sockets):
        sockets[0].close()
        raise KeyboardInterrupt

    monkeypatch.setattr("latentwalk.serving.socket.server", lambda app, limits: SimpleNamespace(run=pressed))
    monkeypatch.setattr("latentwalk.app.served.signal.signal", lambda *_: None)
    said = call("serve", run, "--port", 0, "--token", "a-token-of-my-own")
    assert "serving at http://127.0.0.1:" in said and "token: a-token-of-my-own (" in said and said.endswith("closed.\n")


def test_loopback_asks_for_no_token_and_answers_to_its_names_alone():
    address = Address.of("127.0.0.1", 0, None, ("models.example",))
    with closing(address.socket):
        assert address.token is None and not address.addresses
        assert {"localhost", "127.0.0.1", "::1", "models.example"} == set(address.hosts)


def test_any_other_address_asks_for_a_token_that_nobody_knows():
    found = [Address.of("0.0.0.0", 0, None, ()) for _ in range(2)]
    for address in found:
        address.socket.close()
    assert len(found[0].token) >= 32 and found[0].token != found[1].token and found[0].addresses
    given = Address.of("0.0.0.0", 0, "a-token-of-my-own", ())
    given.socket.close()
    assert given.token == "a-token-of-my-own"


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "ohne-ümlaut-bitte-sehr", "line\nline-line-line-line"])
def test_a_token_is_long_and_plain(token):
    with pytest.raises(ConfigError, match="at least 16"):
        Address.of("127.0.0.1", 0, token, ())


def test_two_runs_of_one_name_are_told(run, tmp_path):
    (tmp_path / run.name).symlink_to(run)
    with pytest.raises(ConfigError, match="two runs are called"):
        served_runs([run, run], None)


def test_what_cannot_be_served_is_told(call, tmp_path, run, monkeypatch):
    assert "no such folder" in call("serve", tmp_path / "nothing", code=2)
    assert "cannot listen at 203.0.113.7" in call("serve", run, "--host", "203.0.113.7", code=2)
    monkeypatch.setattr("latentwalk.app.served.find_spec", lambda name: None if name == "uvicorn" else name)
    said = call("serve", run, code=2)
    assert said.splitlines() == ["error: serving needs uvicorn. Install it: pip install 'latentwalk[studio]'"]
