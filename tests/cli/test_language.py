"""Which language the command line speaks, and that it speaks it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.cli import client
from daemon.cli.language import chosen
from daemon.phrases import phrase


def options(**told: str | None) -> argparse.Namespace:
    """The options that every command has."""
    return argparse.Namespace(**{"socket": None, "config": None, "state_dir": None, "language": None, **told})


def test_as_told_before_as_configured(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, then the environment, then the setting, then the system's locale."""
    (home / "config.yaml").write_text("language: zh\n")
    assert chosen(options(language="ko_KR")) == "ko"
    assert chosen(options()) == "zh"
    monkeypatch.setenv("SLUICE_LANGUAGE", "ko")
    assert chosen(options()) == "ko"
    monkeypatch.delenv("SLUICE_LANGUAGE")
    (home / "config.yaml").write_text("language: auto\n")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert chosen(options()) == "zh"


def test_a_wrong_configuration_does_not_silence_it(home: Path) -> None:
    """Whoever asks what is wrong must get an answer, in the language that can still be found."""
    (home / "config.yaml").write_text("langauge: ko\n")
    assert chosen(options()) == "en"
    (home / "config.yaml").write_text("language: ko\ndrain: 20\n")
    assert chosen(options()) == "ko"
    assert chosen(options(language="xx")) == "en"


def test_an_unknown_language_in_the_environment_is_told(home: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip is not passed over in silence where the configuration is read."""
    monkeypatch.setenv("SLUICE_LANGUAGE", "fr")
    done = run("check")
    assert done.code == 1
    assert "SLUICE_LANGUAGE or --language is 'fr'" in done.out


@pytest.mark.parametrize(("language", "word"), [("ko", "답하는 데몬이 없어요"), ("zh", "没有守护进程回应")])
def test_a_refusal_of_the_command_line(run: Any, language: str, word: str) -> None:
    """No daemon: it is said in the language asked for, the option before or after the command."""
    for arguments in (("status", "--language", language), ("--language", language, "status")):
        done = run(*arguments)
        assert done.code == 1
        assert word in done.err


def test_a_mistake_in_the_configuration(run: Any, home: Path) -> None:
    """`check`, `serve` and `explain` name file, line and mend in the language of that same file."""
    (home / "config.yaml").write_text("language: ko\ndrain: 20\n")
    wrong = f"{home / 'config.yaml'}:2: drain: '20': 단위가 없어요. 초라면 20s로"
    assert f"문제  설정: {wrong}" in run("check").out
    assert f"serve: {wrong}" in run("serve").err
    assert f"설정이 잘못되어 있어서 건너뛰었어요: {wrong}" in run("explain", "--text", "429").err


@pytest.mark.parametrize(
    ("arguments", "environ", "word"),
    [
        (("--help",), {"LC_ALL": "ko_KR.UTF-8"}, "사용법: daemon"),
        (("--help",), {"SLUICE_LANGUAGE": "zh"}, "用法：daemon"),
        (("status", "--language", "ko", "-h"), {}, "무엇이 진행 중이고, 무엇이 왜 기다리는지 보여 줘요."),
        (("--language=zh", "curl", "--help"), {"LC_ALL": "ko_KR.UTF-8"}, "默认 curl"),
        (("calls", "--limit", "0", "--language", "ko"), {}, "daemon calls: 오류: 인자 --limit: '0': 1부터"),
        (("calls", "--language"), {"LC_ALL": "zh_CN.UTF-8"}, "参数 --language：后面要跟一个值"),
        (("calls", "--help"), {}, "usage: daemon calls"),
    ],
)
def test_help_and_wrong_usage(
    home: Path,
    run: Any,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    word: str,
) -> None:
    """Help, and what is wrong with the arguments, by the option, the environment, the locale."""
    (home / "config.yaml").unlink()
    monkeypatch.delenv("SLUICE_CONFIG")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    done = run(*arguments)
    assert word in done.out + done.err


def test_help_by_the_configuration(home: Path, run: Any) -> None:
    """The setting counts for help as well, in the file that the arguments name."""
    (home / "k.yaml").write_text("language: ko\n")
    assert run("--config", str(home / "k.yaml"), "status", "--help").out.startswith("사용법: daemon status")
    assert run("status", "--help").out.startswith("usage: daemon status")


def test_status_in_korean(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`daemon status --language ko`: our sentences in Korean, and the daemon is asked for Korean, too."""
    asked: list[Any] = []

    def ask(paths: Any, method: str, params: Any = None, **more: Any) -> Any:
        asked.append((method, params))
        dim = {"dimension": "requests", "period": "minute", "used": 3.0, "limit": 20.0, "source": "header"}
        pool = {"host": "h", "group": "", "words": phrase("pool.idle").told(params["language"]), "dims": [dim]}
        row = {"id": "c1", "place": 1, "eta_at": None, "waits_for": phrase("waits.turn").told(params["language"])}
        about = {"version": "1", "pid": 7, "socket": "/s", "running": 2}
        return {"daemon": about, "pools": [pool], "queue": [row], "journal": {"state": "ok"}}

    monkeypatch.setattr(client, "ask", ask)
    done = run("status", "--language", "ko")
    assert (done.code, asked) == (0, [("status", {"language": "ko"})])
    assert "Sluice 1: /s에서 돌고 있어요(pid 7)" in done.out
    assert "요청 2건이 진행 중이고, 그중 1건이 한도 때문에 기다려요." in done.out
    assert "h (모델 없음): 쉬고 있어요" in done.out
    assert "분당 요청  20 중 3 사용  header" in done.out
    assert "차례" in done.out
    assert "waits" not in done.out


def test_the_locale_decides_without_more(home: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a Chinese system gets Chinese words from each command."""
    (home / "config.yaml").unlink()
    monkeypatch.delenv("SLUICE_CONFIG")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert "守护进程" in run("status").err
    assert "正常" in run("check").out
    assert "一切正常。" in run("check").out
    assert "没有要解释的内容" in run("explain", "--text", " ").err


@pytest.mark.parametrize("command", ["status", "calls", "usage"])
def test_a_language_without_words(run: Any, command: str) -> None:
    """It is said which there are, once, and the rest is English."""
    done = run(command, "--language", "de")
    assert done.err.count("there are no words in 'de' yet; there are: en, ko, zh; this is English") == 1
    assert "words" not in run(command, "--language", "ko_KR.UTF-8").err
