"""`latentwalk studio`: what it writes, and what it refuses. The page itself has its own tests."""

from dataclasses import replace

import pytest

from latentwalk.app.source import Source

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")


def test_the_map_is_written_as_one_file(call, run, tmp_path, monkeypatch):
    monkeypatch.setattr("latentwalk.studio.away.decoder_files", lambda model: {})  # ONNX files have their own tests
    said = call("studio", run, "--export", tmp_path / "map.html", "--points", 200)
    assert "look:" in said
    content = (tmp_path / "map.html").read_bytes()
    assert content.startswith(b"<!doctype html>") and b"default-src 'none'" in content
    again = call("studio", run, "--export", tmp_path / "map.html", code=2)
    assert "--force" in again


def test_data_are_read_once_and_rows_keep_their_names(call, run, tmp_path, monkeypatch):
    read = []

    def counted(half):
        def told(self, **options):
            read.append(half)
            found = getattr(source, half)(self, **options)
            return found and replace(found, names=tuple(f"{half} {row}" for row in range(len(found))))

        return told

    source = type("Plain", (), {half: getattr(Source, half) for half in ("train", "test")})
    for half in ("train", "test"):
        monkeypatch.setattr(Source, half, counted(half))
    monkeypatch.setattr("latentwalk.studio.away.html_file", lambda exhibit, files: "\n".join(exhibit.names).encode())
    monkeypatch.setattr("latentwalk.studio.away.decoder_files", lambda model: {})
    call("studio", run, "--export", tmp_path / "map.html", "--points", 200)
    assert read == ["train", "test"]
    names = (tmp_path / "map.html").read_text().splitlines()
    assert len(names) == 200 and {name.split()[0] for name in names} <= {"train", "test"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--export", "map.png"], ".html"),
        (["--port", "70000"], "port"),
        (["--token", "short"], "--token"),
    ],
)
def test_what_cannot_be_done_is_told(call, run, words, said, tmp_path):
    assert said in call("studio", run, "--trained", tmp_path / "trained", *words, code=2)


def test_one_map_is_one_run(call, run, plain, tmp_path):
    assert "one RUN, got 2" in call("studio", run, plain, "--export", tmp_path / "map.html", code=2)
