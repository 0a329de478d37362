"""Sounds in and out: formats to the last bit, rates, channels, windows, damage told by name."""

import numpy as np
import pytest

from latentwalk import Dataset, load, read
from latentwalk.data.dataset import join
from latentwalk.data.overlap import aligned, apart, crossfaded, together
from latentwalk.data.sources.sounds import Sound, resampled, sound, usual_window
from latentwalk.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
WAVE = RNG.uniform(-0.9, 0.9, 5000)


def sine(frequency, rate, seconds=0.5):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


# ---------------------------------------------------------------------- laws


@pytest.mark.parametrize(("total", "length", "hop"), [(5000, 512, None), (5001, 512, 100), (700, 512, None), (512, 512, None)])
@pytest.mark.parametrize("channels", [(), (2,)])
def test_windows_that_were_not_changed_give_back_the_whole(total, length, hop, channels):
    x = RNG.normal(size=(total, *channels))
    np.testing.assert_allclose(together(apart(x, length, hop), total, hop), x, atol=1e-12)
    if hop is None:
        np.testing.assert_allclose(aligned(apart(x, length), total, length // 16), x, atol=1e-12)


def test_windows_out_of_phase_are_put_where_they_agree():
    t = np.arange(1024) / 8000
    parts = np.stack([np.sin(2 * np.pi * 440 * t + phase) for phase in RNG.uniform(0, 6, 12)])
    whole = aligned(parts, 1024 + 11 * 512, 64)[600:-600]
    assert abs(whole.std() - np.sqrt(0.5)) < 0.01
    assert together(parts, 1024 + 11 * 512)[600:-600].std() < 0.66  # which cancel in their places


def test_sounds_go_over_into_the_next_without_a_step():
    x = sine(440, 8000)
    whole = crossfaded([x[:2000], x[333:2333], x[77:2077]])
    assert np.abs(np.diff(whole)).max() <= np.abs(np.diff(x)).max() + 1e-9
    np.testing.assert_allclose(crossfaded([x]), x)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int24", "int32", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_sound_comes_back_from_its_file_to_the_last_bit(tmp_path, dtype, channels):
    x = RNG.uniform(-0.9, 0.9, (500, channels)) if channels > 1 else WAVE[:500]
    first = Sound(x, 11_025, dtype)
    first.save(tmp_path / "a.wav")
    heard = sound(tmp_path / "a.wav")
    assert (heard.rate, heard.dtype, heard.x.shape) == (11_025, dtype, x.shape)
    heard.save(tmp_path / "b.wav")
    assert np.array_equal(sound(tmp_path / "b.wav").x, heard.x)
    np.testing.assert_allclose(heard.x, x, atol=1 / 2**7 if dtype == "uint8" else 1 / 2**15)


@pytest.mark.parametrize("dtype", ["int16", "int24"])
def test_flac_is_exact_and_ogg_sounds_alike(tmp_path, dtype):
    pytest.importorskip("soundfile")
    first = Sound(sine(440, 16_000), 16_000, dtype)
    first.save(tmp_path / "a.wav")
    first.save(tmp_path / "a.flac")
    first.save(tmp_path / "a.ogg")
    exact, lossy = sound(tmp_path / "a.flac"), sound(tmp_path / "a.ogg")
    assert exact.dtype == dtype and np.array_equal(exact.x, sound(tmp_path / "a.wav").x)
    assert lossy.rate == 16_000 and np.corrcoef(lossy.x[: len(first.x)], first.x)[0, 1] > 0.99
    (tmp_path / "bad.flac").write_bytes(b"fLaC" + bytes(50))
    with pytest.raises(DataError, match="bad.flac: not readable as sound"):
        sound(tmp_path / "bad.flac")


@pytest.mark.parametrize(("rate", "wanted"), [(8000, 16_000), (44_100, 16_000), (22_050, 8000), (16_000, 16_000)])
def test_another_rate_keeps_the_frequency_of_a_sine(rate, wanted):
    x = resampled(sine(1000, rate), rate, wanted)
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 17))
    assert spectrum.argmax() * wanted / (1 << 17) == pytest.approx(1000, abs=0.5)
    assert x[len(x) // 4 : -len(x) // 4].std() == pytest.approx(0.5 * np.sqrt(0.5), rel=0.01)


def test_what_the_new_rate_cannot_hold_is_left_out_and_odd_ratios_are_refused():
    assert np.abs(resampled(sine(6000, 16_000), 16_000, 8000)[200:-200]).max() < 0.01
    with pytest.raises(DataError, match="Choose rate="):
        resampled(WAVE, 44_101, 16_001)


# ---------------------------------------------------------------------- files and folders


def test_a_folder_of_mixed_sounds_is_one_data_set_and_says_what_was_done(tmp_path):
    for name, x, rate in [
        ("low/a", sine(220, 8000), 8000),
        ("low/b", sine(330, 8000), 8000),
        ("high/c", sine(880, 16_000), 16_000),
        ("high/d", np.stack([sine(990, 8000), sine(990, 8000)], 1), 8000),
        ("high/e", sine(990, 8000)[:500], 8000),
    ]:
        Sound(x, rate).save(tmp_path / f"{name}.wav")
    (tmp_path / "high" / "f.wav").write_bytes(b"RIFF" + bytes(60))
    data = read(tmp_path, window=1024, hop=1024)
    assert data.spec.kind == "sound" and data.spec.rate == 8000 and data.classes == ("high", "low")
    assert (
        len(data) == 5 * 4 - 3
        and len(data.names) == len(data)
        and set(data.names) == {f"low/{n}.wav" for n in "ab"} | {f"high/{n}.wav" for n in "cde"}
    )
    assert len(data.skipped) == 1 and data.skipped[0].startswith("high/f.wav: not readable as WAV")
    told = "; ".join(data.remarks)
    for part in ("5 sounds", "8,000 samples a second", "1 resampled", "1 mixed to 1 channel", "1 shorter than a window"):
        assert part in told
    peak = np.abs(np.fft.rfft(data.x[0], 1 << 14)).argmax() * 8000 / (1 << 14)
    assert peak == pytest.approx(880, abs=2)
    assert read(tmp_path, window=1024, rate=4000).spec.rate == 4000
    with pytest.raises(DataError, match="test"):
        read(tmp_path, split="test")


def test_a_folder_of_pictures_with_a_stray_sound_is_one_of_pictures(tmp_path):
    from PIL import Image

    for at in range(3):
        Image.new("L", (8, 8), at).save(tmp_path / f"{at}.png")
    Sound(WAVE, 8000).save(tmp_path / "a.wav")
    data = read(tmp_path)
    assert data.spec.kind == "image" and len(data) == 3 and data.skipped[0].startswith("a.wav")


def test_stereo_stays_stereo_and_can_be_mixed(tmp_path):
    x = np.stack([sine(440, 8000), -sine(440, 8000)], 1)
    Sound(x, 8000).save(tmp_path / "a.wav")
    assert read(tmp_path / "a.wav").x.shape[1:] == (usual_window(8000), 2)
    mono = read(tmp_path / "a.wav", channels=1)
    assert mono.x.shape[1:] == (usual_window(8000),) and np.abs(mono.x).max() < 1e-4
    with pytest.raises(DataError, match="channels"):
        read(tmp_path / "a.wav", channels=3)


def test_arrays_are_sounds_when_it_is_said(tmp_path):
    np.save(tmp_path / "a.npy", WAVE.reshape(5, 1000).astype(np.float32))
    assert read(tmp_path / "a.npy", kind="sound", rate=8000).spec.rate == 8000
    assert Dataset.of(WAVE.reshape(5, 1000), kind="sound").spec.rate == 16_000
    first = Dataset.of(WAVE.reshape(5, 1000), kind="sound", rate=8000)
    assert join(first, first).spec.rate == 8000
    assert type(first.spec).from_json(first.spec.to_json()) == first.spec
    with pytest.raises(DataError, match="8,000 and 16,000"):
        join(first, Dataset.of(WAVE.reshape(5, 1000), kind="sound"))
    for bad in (0, -1, 10**7, 8000.5):
        with pytest.raises((DataError, ConfigError), match="samples a second"):
            Dataset.of(WAVE.reshape(5, 1000), kind="sound", rate=bad)
    with pytest.raises(ConfigError, match="rate"):
        Dataset.of(WAVE.reshape(5, 1000), rate=8000)
    assert load("tones", n=60, length=512, split="test").spec.rate == 8000


def test_a_wav_that_was_cut_off_gives_what_is_there_and_says_so(tmp_path):
    content = Sound(np.stack([WAVE, WAVE], 1), 16_000).content()
    (tmp_path / "a.wav").write_bytes(content[: len(content) // 2 + 1])
    heard = sound(tmp_path / "a.wav")
    assert len(heard.x) in range(2450, 2500) and "cut off" in heard.remarks[0]
    np.testing.assert_allclose(heard.x[:, 0], WAVE[: len(heard.x)], atol=1 / 2**15)
    assert any("cut off" in remark for remark in read(tmp_path / "a.wav").remarks)


@pytest.mark.parametrize("what", ["streamed", "no size of all", "an odd chunk without its last byte"])
def test_lengths_that_writers_leave_out_cost_nothing(tmp_path, what):
    content = Sound(WAVE, 8000).content()
    at = content.index(b"data") + 4
    if what == "streamed":
        content = content[:4] + bytes(4) + content[8:at] + bytes(4) + content[at + 4 :]
    elif what == "no size of all":
        content = content[:4] + bytes(4) + content[8:]
    else:
        content = content[:12] + b"note\x05\0\0\0INFOs" + content[12:]
    (tmp_path / "a.wav").write_bytes(content)
    heard = sound(tmp_path / "a.wav")
    assert len(heard.x) == len(WAVE) and heard.remarks == ()
    np.testing.assert_allclose(heard.x, WAVE, atol=1 / 2**15)


def test_more_samples_than_are_promised_are_told(tmp_path):
    content = Sound(WAVE, 8000).content()
    at = content.index(b"data") + 4
    (tmp_path / "a.wav").write_bytes(content[:at] + (400).to_bytes(4, "little") + content[at + 4 :])
    heard = sound(tmp_path / "a.wav")
    assert len(heard.x) == 200 and f"{2 * len(WAVE) - 400:,} bytes behind" in heard.remarks[0]


def test_odd_chunks_are_passed_over(tmp_path):
    content = Sound(WAVE, 8000, "int24").content()
    odd = content[:12] + b"LIST\x05\0\0\0INFO\0\0" + b"junk\0\0\0\0" + content[12:]
    (tmp_path / "a.wav").write_bytes(odd[:4] + (len(odd) - 8).to_bytes(4, "little") + odd[8:])
    heard = sound(tmp_path / "a.wav")
    assert heard.dtype == "int24" and np.array_equal(heard.x, np.rint(WAVE * 2**23) / 2**23)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "WAV"),
        (b"RIFF", "WAV"),
        (Sound(np.empty(0), 8000).content(), "no samples"),
        (Sound(np.full(900, np.nan), 8000, "float32").content(), "finite"),
        (Sound(np.full(900, np.inf), 8000, "float32").content(), "finite"),
        (Sound(WAVE, 8000).content().replace(b"\x40\x1f\0\0\x80\x3e\0\0", bytes(8), 1), "0 samples a second|WAV"),
    ],
)
def test_bad_files_are_named(tmp_path, content, said):
    (tmp_path / "a.wav").write_bytes(content)
    for reading in (sound, read):
        with pytest.raises(DataError, match=rf"(?s)a\.wav.*({said})"):
            reading(tmp_path / "a.wav")


def test_short_and_constant_sounds_are_sounds(tmp_path):
    Sound(np.full(1, 0.5), 8000).save(tmp_path / "one.wav")
    Sound(np.full(9000, 0.5), 8000).save(tmp_path / "same.wav")
    one = read(tmp_path / "one.wav")
    assert one.x.shape == (1, 2048) and one.x[0, 0] == pytest.approx(0.5) and not one.x[0, 1:].any()
    assert read(tmp_path / "same.wav").x.std() == 0


def test_wrong_options_are_refused(tmp_path):
    Sound(WAVE, 8000).save(tmp_path / "a.wav")
    for options in ({"kind": "image"}, {"rate": 10}, {"rate": 8000.5}, {"channels": 0}, {"hop": 0}, {"window": 1}, {"size": 3}):
        with pytest.raises((ConfigError, DataError)):
            read(tmp_path / "a.wav", **options)
    np.save(tmp_path / "a.npy", WAVE)
    with pytest.raises(ConfigError, match="hop"):
        read(tmp_path / "a.npy", hop=3)
    with pytest.raises(ConfigError, match="written as"):
        Sound(WAVE, 8000).save(tmp_path / "a.mp3")


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(4, np.int16),
        np.zeros(4, bool),
        np.zeros(4, complex),
        np.zeros((2, 3, 4)),
        np.zeros(()),
        None,
        "a.wav",
        [0.0, 0.1],
    ],
)
def test_what_is_no_sound_is_told(x):
    with pytest.raises(DataError, match="floats in"):
        Sound(x, 8000)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "int24", "int32"])
def test_no_file_is_written_of_what_no_sample_is(tmp_path, dtype):
    with pytest.raises(DataError, match="NaN or infinity"):
        Sound(np.array([0.1, np.nan]), 8000, dtype).save(tmp_path / "a.wav")
    assert not list(tmp_path.iterdir())
