"""Sounds from a terminal: a folder in, sounds out."""

import numpy as np
import pytest

from latentwalk.data.sources.sounds import Sound, sound
from latentwalk.data.synthetic import tones

RATE = 8000


@pytest.fixture(scope="module")
def studio(call, tmp_path_factory):
    """A folder of tones, low and high, a run that learnt from windows of them, and a longer sound."""
    folder = tmp_path_factory.mktemp("studio")
    data = tones(60, length=2048)
    for at, x in enumerate(data.x.astype(float)):
        Sound(x, RATE).save(folder / "tones" / ("low" if data.factors["pitch"][at] < 63 else "high") / f"{at:02}.wav")
    (folder / "tones" / "low" / "bad.wav").write_bytes(b"RIFF")
    long = np.concatenate(list(data.x[:3])).astype(float)
    long[3000:3060] = 0
    Sound(long, RATE).save(folder / "long.wav")
    said = call("fit", folder / "tones", "--window", 1024, "--epochs", 1, "--latent", 3, "--out", folder / "run")
    assert "60 sounds; 8,000 samples a second; 180 windows" in said and "bad.wav" in said
    return folder


def test_sounds_come_out_at_their_rate(call, studio, tmp_path):
    run = studio / "run"
    for words, least in (
        (("sample", run, "-n", 3), 3 * 1024),
        (("walk", run, "low", "high", "--steps", 4), 2 * 1024),
        (("walk", run, studio / "long.wav", f"{studio / 'long.wav'}@0.5", "--steps", 3), 2 * 1024),
        (("blend", run, "row:0", "row:7", "row:9"), 1024),
        (("graft", run, "row:0", "--attribute", "high", "--strengths", "0,1"), 1024),
        (("reconstruct", run, studio / "long.wav"), 3 * 2048),
    ):
        call(*words, "--out", tmp_path / f"{words[0]}.wav", "--force")
        heard = sound(tmp_path / f"{words[0]}.wav")
        assert heard.rate == RATE and len(heard.x) >= least and 0 < np.abs(heard.x).max() <= 1, words
    call("sample", run, "-n", 3, "--out", tmp_path / "drawn")
    assert len(list((tmp_path / "drawn").glob("*.wav"))) == 3
    call("walk", run, "low", "high", "--out", tmp_path / "steps")
    assert len(list((tmp_path / "steps").glob("*.wav"))) == 11
    call("sample", run, "-n", 3, "--out", tmp_path / "drawn.png")


def test_gaps_and_what_cannot_be_done(call, studio, tmp_path):
    run, long = studio / "run", studio / "long.wav"
    assert "1 gap of 7.5 ms" in call("impute", run, long, "--out", tmp_path / "whole.wav")
    found, given = sound(tmp_path / "whole.wav").x, sound(long).x
    assert np.array_equal(found[:2990], given[:2990]) and np.array_equal(found[3070:], given[3070:])
    assert found[3005:3055].std() > 0
    call("impute", run, long, "--gap", "0.1:0.11", "--out", tmp_path / "said.wav")
    for words, said in (
        (("impute", run, long, "--gap", "x", "--out", tmp_path / "a.wav"), "START:END"),
        (("impute", run, long, "--gap", "9:10", "--out", tmp_path / "a.wav"), "none of a sound"),
        (("impute", run, long, "--out", tmp_path / "a.csv"), "written as .wav"),
        (("sample", run, "--out", tmp_path / "a.csv"), "a folder, or a file ending in .wav or .png"),
        (("walk", run, f"{long}@99", "low", "--out", tmp_path / "a.wav"), "ends after"),
        (("denoise", run, long, tmp_path / "a.mp3"), "written as .wav"),
        (("fit", studio / "tones", "--rate", 10, "--out", tmp_path / "r"), "whole samples a second"),
    ):
        assert said in call(*words, code=2).replace("\n", " "), words


def test_a_run_that_read_a_wav_as_a_signal_reads_it_so_still(studio):
    from latentwalk.app.source import Source

    long = str(studio / "long.wav")
    earlier = Source.from_json({"what": long, "options": {}, "apart": None, "reading": 2})
    assert earlier.train().spec.kind == "signal" and earlier.train().x.shape[1:] == (256,)
    now = Source.named(long)
    assert Source.from_json(now.to_json()).train().spec.kind == "sound"
