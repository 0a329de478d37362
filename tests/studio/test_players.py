"""Players of sounds and of music: they start, go on, and end, and what is heard is what the model decodes."""

import base64
import io
import wave

import numpy as np
import pytest

from latentwalk.data import Dataset, load
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network

HEARD = """window.heard = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (...given) {
  const { sampleRate, duration } = this.buffer, samples = this.buffer.getChannelData(0);
  const loudest = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  window.heard.push({ sampleRate, duration, loudest, samples: samples.length < 10000 ? [...samples] : [] });
  return start.apply(this, given);
};"""


@pytest.fixture(scope="module")
def speakers(shown):
    """A server of hardly trained models of sounds, fast and slow, and of music; and their exhibits."""
    data = {
        "tones": load("tones", n=40, length=8192, rate=8000),
        "slow": Dataset.of(np.asarray(load("tones", n=40, length=4096, rate=8000).x)[:, ::4], kind="sound", rate=2000),
        "music": load("melodies", n=40),
    }
    known = {"latent": 2, "epochs": 1, "random_state": 0, "progress": False}
    networks = {"music": Network("gru", widths=(8,))}
    models = {name: Autoencoder("ae", network=networks.get(name, "auto"), **known).fit(rows) for name, rows in data.items()}
    with shown(**{name: (model, data[name]) for name, model in models.items()}) as found:
        yield found


@pytest.mark.parametrize("name", ["tones", "slow", "music"])
def test_a_player_starts_goes_on_and_ends(watched, speakers, name):
    address, exhibits = speakers
    watched.context.add_init_script(HEARD)
    page = watched.open(f"{address}/#run={name}")
    button, progress = page.locator(".big button"), page.locator(".big progress")
    button.click()
    progress.wait_for()
    first, seconds = (float(progress.get_attribute(one)) for one in ("value", "max"))
    page.wait_for_function("(first) => document.querySelector('.big progress').value > first", arg=first)
    assert button.inner_text() == "Stop"
    (heard,) = page.evaluate("() => heard")
    assert heard["duration"] == pytest.approx(seconds)
    exhibit, samples = exhibits[name], np.array(heard["samples"])
    shown = exhibit.shown(exhibit.decode(watched.code()[None]))
    if name == "music":
        with wave.open(io.BytesIO(base64.b64decode(shown["sounds"][0]))) as file:
            expected = file.getnframes() / file.getframerate()
        assert seconds == pytest.approx(expected, rel=1e-3) and heard["loudest"] > 0.01
    else:
        expected = np.frombuffer(shown, "<f4") / max(abs(exhibit.spec.low), abs(exhibit.spec.high))
        times = round(heard["sampleRate"] / exhibit.spec.rate)
        assert seconds == pytest.approx(len(expected) / exhibit.spec.rate)
        assert samples[::times] == pytest.approx(expected.clip(-1, 1), abs=1e-5)
    if name != "slow":
        button.click()
    progress.wait_for(state="detached")
    assert button.inner_text() == "Play"
