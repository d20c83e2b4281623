"""Reading config.yaml: what is taken, what is refused, and in which words."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.config import Config, file, language_in, load
from daemon.errors import ConfigError


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def write(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def refused(path: Path, content: str | bytes, mode: int = 0o600) -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(path, content, mode), environ={})
    return caught.value.message


def test_nothing_is_needed(config: Path) -> None:
    """No file, an empty file and a file of comments give the defaults."""
    defaults = load(None, environ={})
    assert load(config, environ={}) == defaults
    assert load(write(config, ""), environ={}) == defaults
    assert load(write(config, "# nothing\n"), environ={}) == defaults
    assert load(write(config, "log:\nupstreams:\n"), environ={}) == defaults


def test_the_defaults() -> None:
    """The values that users rely on."""
    c = load(None, environ={})
    assert (c.language, c.explain, c.socket, c.max_body, c.max_connections) == ("en", "inline", None, 64 << 20, 1024)
    assert (c.drain_s, c.ca_file, c.proxy, c.upstreams) == (20.0, None, "environment", ())
    assert c.idle_exit_s is None
    assert (c.log.level, c.log.style, c.log.file) == ("info", "text", "auto")
    assert (c.queue.max_wait_interactive_s, c.queue.max_wait_s) == (90.0, 600.0)
    assert (c.timeouts.connect_s, c.timeouts.first_byte_s, c.timeouts.idle_s, c.timeouts.body_s) == (10, 600, 300, 30)
    assert c.timeouts.client_s == 600
    assert c.retry.tries == 4
    assert c.journal.bodies == "failed"


def test_what_the_user_writes_goes_over_the_defaults(config: Path) -> None:
    """Within a group too, one setting at a time."""
    c = load(
        write(config, "explain: off\nlog: {level: debug, file: none}\nqueue:\n  max_wait: 1h\nsocket: /s/sock\n"),
        environ={},
    )
    assert (c.explain, c.log.level, c.log.file, c.log.keep, c.queue.max_wait_s) == ("off", "debug", None, 5, 3600)
    assert c.queue.max_waiting == 20_000
    assert c.socket == Path("/s/sock")


def test_when_to_end_for_want_of_use(config: Path) -> None:
    """Never, or after a time; no time at all would end a daemon before the one who started it has spoken."""
    assert load(write(config, "idle_exit: never\n"), environ={}).idle_exit_s is None
    assert load(write(config, "idle_exit: 30m\n"), environ={}).idle_exit_s == 1800
    assert "idle_exit" in refused(config, "idle_exit: 0s\n")
    assert "idle_exit" in refused(config, "idle_exit: soon\n")


def test_where_to_listen_by_tcp(config: Path) -> None:
    """Nowhere, a loopback address of either kind, or any other where the user says that he knows what that means."""
    assert load(config, environ={}).listen is None
    for text, address in (
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("127.9.9.9:2", ("127.9.9.9", 2)),
        ("'[::1]:3'", ("::1", 3)),
    ):
        config.write_text(f"listen: {text}\n")
        assert load(config, environ={}).listen == address
    config.write_text("listen: 0.0.0.0:8377\nlisten_insecure: true\nlisten_hosts: [box, 'Host.docker.internal:80']\n")
    loaded = load(config, environ={})
    assert (loaded.listen, loaded.listen_hosts) == (("0.0.0.0", 8377), ("box", "host.docker.internal:80"))


def test_upstreams_know_their_place(config: Path) -> None:
    """Messages about an upstream can name file and line later."""
    c = load(write(config, "upstreams:\n  - host: a.com\n\n  - host: b.com\n"), environ={})
    assert [u.where for u in c.upstreams] == [f"{config}:2", f"{config}:4"]


@pytest.mark.parametrize(
    ("environ", "language"),
    [({"LANG": "ko_KR.UTF-8"}, "ko"), ({"LANG": "ko_KR", "LC_ALL": "C"}, "en"), ({"LC_MESSAGES": "zh_TW"}, "zh"),
     ({"LANG": "de_DE.UTF-8"}, "en"), ({}, "en"), ({"LANG": ""}, "en")],
)  # fmt: skip
def test_the_systems_language(environ: dict[str, str], language: str) -> None:
    """POSIX's order of variables; English where Sluice has no words."""
    assert load(None, environ=environ).language == language


def test_the_environments_log_level() -> None:
    """SLUICE_LOG_LEVEL goes over the file; a wrong one is named."""
    assert load(None, environ={"SLUICE_LOG_LEVEL": "DEBUG"}).log.level == "debug"
    with pytest.raises(ConfigError, match=r"SLUICE_LOG_LEVEL is 'loud'.* debug, info"):
        load(None, environ={"SLUICE_LOG_LEVEL": "loud"})


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("\nlisten: 0.0.0.0:8377\n", 2, "can read the keys of your calls. Write 127.0.0.1"),
        ("listen: '[fe80::1]:8377'\nlisten_insecure: false\n", 1, "set listen_insecure: true"),
        ("listen: localhost:8377\n", 1, "127.0.0.1:8377"),
        ("listen_hosts: [http://box]\n", 1, "for example box"),
        ("langauge: en\n", 1, "Did you mean 'language'"),
        ("\nlog:\n  levle: info\n", 3, "Did you mean 'level'"),
        ("idle: 3s\n", 1, "write `timeouts:`, and on the line below, indented, `idle: ...`"),
        ("\nlog.level: debug\n", 2, "write `log:`, and on the line below, indented, `level: ...`"),
        (
            "upstreams:\n  host: localhost:8080\n  share: 0.5\n",
            2,
            "Put `- ` before the first word of each entry, for example: - host: localhost:8080",
        ),
        (
            "upstreams: [{host: a.example, share: 80%}]\n",
            1,
            "upstreams: share: '80%' is not a plain number. Write for example 0.8",
        ),
        ("upstreams: [{host: a.example, share: 1.5}]\n", 1, "upstreams: share: 1.5 is not above 0 and at most 1"),
        ("budgets:\n  per: day\n  calls: 5\n", 2, "each begins with `- `"),
        ("budgets: [{per: day, calls: 5, warn_at: high}]\n", 1, "budgets: warn_at: 'high' is not a plain number"),
        ("drain: 20\n", 1, "drain: '20' is not a duration. Write 20s"),
        ("max_body: 64\n", 1, "is not a size"),
        ("queue: {max_waiting: -5}\n", 1, "queue.max_waiting"),
        ("retry: {budget: NaN}\n", 1, "not a plain number"),
        ("explain: yes\n", 1, "none of inline, field, off"),
        ("log: loud\n", 1, "log is a group of settings"),
        ("ca_file: ca.pem\n", 1, "not absolute"),
        ("proxy: socks5://x\n", 1, "SOCKS"),
        ("drain:\n", 1, "no value"),
        ("- a\n- b\n", 1, "name: value"),
        ("just text\n", 1, "name: value"),
        ("explain: off\nexplain: field\n", 2, "second time"),
        ("a: &a [*a]\n", 1, "not used here"),
    ],
)
def test_mistakes_are_named(config: Path, text: str, line: int, what: str) -> None:
    """FILE:LINE, what is wrong, and what to do."""
    message = refused(config, text)
    assert message.startswith(f"{config}:{line}: ")
    assert what in message


def test_mistakes_are_told_in_the_readers_language(config: Path) -> None:
    """File and line stay where they are; what is wrong, the nearest word and what to do are told, each line."""
    with pytest.raises(ConfigError) as caught:
        load(write(config, "langauge: ko\nlog: loud\nqueue: {max_wait: [1]}\n"), environ={})
    first, second, third = caught.value.told("ko").splitlines()
    assert first.startswith(f"{config}:1: 'langauge' 설정은 없어요. 혹시 'language' 아닌가요? 여기에 쓸 수 있는")
    assert second == f"{config}:2: log에는 설정 묶음이 와야 하는데 다른 것('loud')이 있어요"
    assert third == f"{config}:3: queue.max_wait: 여기에는 값 하나가 와야 하는데 다른 것(목록)이 있어요"
    assert "是不是想写 'language'？" in caught.value.told("zh")


@pytest.mark.parametrize(
    ("text", "environ", "language"),
    [
        ("language: ko\nlog: loud\n", {"LANG": "zh_CN"}, "ko"),
        ("language: auto\nlog: loud\n", {"LANG": "zh_CN"}, "zh"),
        ("language: [ko]\n", {"LANG": "zh_CN"}, "zh"),
        ("language: klingon\n", {}, "en"),
        ("a: b: c\n", {"LANG": "ko_KR.UTF-8"}, "ko"),
        ("language: ko\n", {"SLUICE_LANGUAGE": "zh"}, "zh"),
        ("language: ko\n", {"SLUICE_LANGUAGE": "klingon"}, "ko"),
    ],
)
def test_the_language_of_a_file_with_mistakes(config: Path, text: str, environ: dict[str, str], language: str) -> None:
    """Who is told what is wrong can read it: the language is found whatever else is wrong."""
    assert language_in(write(config, text), environ) == language


def test_all_mistakes_at_once(config: Path) -> None:
    """One run shows every wrong line, in order."""
    message = refused(config, "drain: 20\nexplian: off\nretry: {tries: 0}\n")
    assert [line.split(":")[1] for line in message.splitlines()] == ["1", "2", "3"]


def test_bytes_that_are_not_utf8(config: Path) -> None:
    """The line of the bad byte is named; a byte order mark is fine."""
    assert refused(config, b"explain: off\n# caf\xe9\n").startswith(f"{config}:2: byte")
    assert load(write(config, b"\xef\xbb\xbfexplain: off\n"), environ={}).explain == "off"


def test_a_file_that_is_too_large(config: Path) -> None:
    """More than 1 MiB is not read to its end."""
    assert "larger than 1 MiB" in refused(config, b"#" * (100 << 20))


def test_a_missing_file_that_was_named(config: Path) -> None:
    """`--config` with a typo is an error; the default place may be empty."""
    with pytest.raises(ConfigError, match=r"config\.yaml: there is no such file, though SLUICE_CONFIG or --config"):
        load(config, environ={}, must_exist=True)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    """Directories and pipes are refused at once instead of being waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(ConfigError, match=r"regular file|cannot be read"):
            load(path, environ={})


def test_links_are_followed_and_their_target_is_judged(tmp_path: Path) -> None:
    """People link their dotfiles; what counts is who may write the file itself."""
    target = write(tmp_path / "real.yaml", "explain: off\n")
    link = tmp_path / "config.yaml"
    link.symlink_to(target)
    assert load(link, environ={}).explain == "off"
    target.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod go-w"):
        load(link, environ={})


def test_a_file_under_a_umask_of_002(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everybody has a group of their own, a file that it may write is nobody else's; another group's is refused,
    and so is one for all."""
    monkeypatch.setattr(file, "own_group", lambda gid: True)
    assert load(write(config, "explain: off\n", 0o664), environ={}).explain == "off"
    assert "chmod go-w" in refused(config, "explain: off\n", 0o666)
    monkeypatch.setattr(file, "own_group", lambda gid: False)
    assert "chmod go-w" in refused(config, "explain: off\n", 0o664)


def test_a_key_that_others_can_read(config: Path) -> None:
    """The line is named, the key is not; a private file may hold one, and an open file may have none."""
    text = "explain: off\n# CANARY sk-proj-CANARY1CANARY2CANARY3\n"
    message = refused(config, text, 0o644)
    assert message.startswith(f"{config}:2: ")
    assert "chmod 600" in message
    assert "sk-proj" not in message
    assert load(write(config, text, 0o600), environ={}).explain == "off"
    assert load(write(config, "explain: off\n", 0o644), environ={}).explain == "off"
    assert "password" in refused(config, "proxy: http://me:CANARY-pw@proxy:3128\n", 0o644)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file to another user needs root")
def test_a_file_of_another_user(config: Path) -> None:
    """Its owner could send calls and keys elsewhere."""
    os.chown(write(config, ""), 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to another user"):
        load(config, environ={})


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
INNER = st.sampled_from(["level", "host", "limits", "requests", "per", "url"])
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=3), max_leaves=6
)
OUTER = st.sampled_from(["log", "queue", "upstreams", "drain", "retry", "explain", "socket", "timeouts", "proxy"])
FILES = st.binary(max_size=120) | st.dictionaries(OUTER, VALUES, max_size=4).map(lambda value: str(value).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_any_file_is_taken_or_refused(config: Path, content: bytes) -> None:
    """Whatever stands in it: a whole Config or a ConfigError with the file's name, never anything else."""
    outcome: Config | str
    try:
        outcome = load(write(config, content), environ={})
    except ConfigError as error:
        outcome = error.message
    assert isinstance(outcome, Config) or str(config) in outcome


def test_all_mistakes_of_a_list_are_told(config: Path) -> None:
    """In upstreams, budgets, prices and fallback, each with its line, also several in one entry."""
    text = """upstreams:
- host: a.example
  share: 80%
  limitz: []
- host: b.example
  minute: soon
budgets:
- {per: day}
- {per: year, calls: 1}
prices:
- {model: x, input: much, output: 1}
fallback:
- {to: {model: a}, wait: long}
- {on: quota}
"""
    lines = refused(config, text).splitlines()
    assert [int(line.split(":")[1]) for line in lines] == [3, 4, 6, 8, 9, 11, 13, 14]
