"""`serve`: a contender by hand."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.under_load.server import free_port

ROOT = Path(__file__).parents[2]


def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks",
            "serve",
            "async-native",
            "--database",
            "sqlite",
            "--books",
            "1000",
            "--port",
            str(port),
        ],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline().strip() for _ in range(6)]
            assert lines[1].startswith(f"http://127.0.0.1:{port}  ")
            commands = [line for line in lines if line.startswith("curl ")]
            assert len(commands) == 3
            for line, key in zip(commands, ("title", "items", "title"), strict=True):
                answer = subprocess.run([*shlex.split(line), "--silent", "--fail"], check=True, capture_output=True, text=True)
                assert json.loads(answer.stdout)[key]
        finally:
            process.send_signal(signal.SIGINT)
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()
        assert process.stderr
        assert "Stopped" in process.stderr.read()
    assert not list(tmp_path.iterdir())
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Error: Missing argument 'CONTENDER'. Choose from: sync-threads, "),
        (("nothing",), "Error: Invalid value for 'CONTENDER': 'nothing' is not one of 'sync-threads'"),
        (("async-native", "--port", "0"), "0 is not in the range"),
        (("async-native", "--database", "mysql"), "--database is 'mysql': it must be"),
        (("async-native", "--database", "postgresql://a:b@127.0.0.1:1/c"), "Error: PostgreSQL at postgresql://a:***@127.0.0.1:1"),
        (("async-native-psycopg", "--database", "sqlite"), "async-native-psycopg runs on postgresql only"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert serve(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_taken_port_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve(monkeypatch, "async-native", "--database", "sqlite", "--books", "1000", "--port", str(port)) == 2
    assert f"Error: port {port} cannot be had: Address already in use; choose another one" in capsys.readouterr().err


def serve(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command in this process; the exit status."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", "serve", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)
