"""Safety checks that are taken out: at the way in by TCP, of where calls may go, and of what becomes of keys.

A part of the list in `mutants.py`.
"""

from __future__ import annotations

from benchmarks.reliability.mutant import Mutant

GATE, LISTENER, RPC = "daemon/doors/gate.py", "daemon/doors/listener.py", "daemon/doors/rpc.py"
DISPATCH = "daemon/doors/dispatch.py"
REDACT, PROCESS, ROWS = "daemon/redact.py", "daemon/process.py", "daemon/journal/rows.py"
FIELDS, DESTINATIONS = "daemon/gateway/fields.py", "daemon/config/destinations.py"

T_GATE, T_LISTENER, T_DISPATCH = (
    "tests/doors/test_gate.py",
    "tests/doors/test_listener.py",
    "tests/doors/test_dispatch.py",
)
T_REDACT, T_PROCESS, T_JOURNAL = "tests/test_redact.py", "tests/test_process.py", "tests/journal/test_journal.py"
T_FIELDS, T_DESTINATIONS = "tests/gateway/test_fields.py", "tests/config/test_destinations.py"
T_FACTS, T_DATABASE = "tests/explain/test_facts.py", "tests/journal/test_database.py"

OF_KEYS: tuple[Mutant, ...] = (
    # who may come in by TCP
    Mutant(
        "the token",
        GATE,
        "if not self.knows(_token_in(headers)):",
        "if False:",
        (f"{T_GATE}::test_who_is_turned_away",),
    ),
    Mutant(
        "one token",
        GATE,
        'return said[0] if len(said) == 1 else ""',
        'return said[0] if said else ""',
        (f"{T_GATE}::test_who_is_turned_away",),
    ),
    Mutant(
        "our own names as Host",
        GATE,
        "if hosts[0] not in self.names:",
        "if False:",
        (f"{T_GATE}::test_who_is_turned_away",),
    ),
    Mutant(
        "Origin and Referer",
        GATE,
        "if names & _BROWSERS_SEND or any(",
        "if any(",
        (f"{T_GATE}::test_who_is_turned_away",),
    ),
    Mutant(
        "the fields Sec-Fetch",
        GATE,
        ' or any(name.startswith("sec-fetch-") for name in names):',
        ":",
        (f"{T_GATE}::test_who_is_turned_away",),
    ),
    Mutant(
        "the mode of the token's file",
        GATE,
        " or about.st_mode & 0o077:",
        ":",
        (f"{T_GATE}::test_an_unfit_token_file_is_refused",),
    ),
    Mutant(
        "a token's file that is a link",
        GATE,
        " | os.O_CLOEXEC | os.O_NOFOLLOW)",
        " | os.O_CLOEXEC)",
        (f"{T_GATE}::test_an_unfit_token_file_is_refused",),
    ),
    Mutant(
        "a token that can be guessed",
        GATE,
        "if not _TOKEN.fullmatch(token):",
        "if False:",
        (f"{T_GATE}::test_an_unfit_token_file_is_refused",),
    ),
    Mutant(
        "the gate before HTTP",
        LISTENER,
        "Porter(http.guarded(self.gate), ",
        "Porter(http, ",
        (f"{T_LISTENER}::test_nothing_without_the_token",),
    ),
    Mutant(
        "the gate before JSON-RPC",
        RPC,
        "        return self._gate is None\n",
        "        return True\n",
        (f"{T_LISTENER}::test_json_rpc_without_the_token",),
    ),
    Mutant(
        "how much a stranger may say",
        RPC,
        "max_message if gate is None else min(max_message, STRANGERS_MESSAGE)",
        "max_message",
        (f"{T_LISTENER}::test_a_stranger_may_not_say_much",),
    ),
    Mutant(
        "how long a stranger may be silent",
        RPC,
        "call_later(STRANGERS_S, made.abort)",
        "call_later(9e9, made.abort)",
        (f"{T_LISTENER}::test_a_stranger_who_says_nothing",),
    ),
    Mutant(
        "the room for those who come by TCP",
        LISTENER,
        "if len(self._inside) >= self._most:",
        "if False:",
        (f"{T_LISTENER}::test_connections_are_counted",),
    ),
    Mutant(
        "the size of a batch",
        DISPATCH,
        "if not value or len(value) > BATCH_CAP:",
        "if not value:",
        (f"{T_DISPATCH}::test_bad_messages",),
    ),
    Mutant(
        "the number of requests under way",
        DISPATCH,
        "if len(self._tasks) + len(self._anonymous) >= IN_FLIGHT_CAP:",
        "if False:",
        (f"{T_DISPATCH}::test_too_many_under_way",),
    ),
    # where calls may go, and with what
    Mutant(
        "a host that nobody allowed",
        DESTINATIONS,
        "return self._found(host)",
        'return self._found(host) or _origin(host, "https://{host}", None, None)',
        (f"{T_DESTINATIONS}::test_strangers_are_refused",),
    ),
    Mutant(
        "a pattern that is no dot",
        DESTINATIONS,
        'r"\\*", "[a-z0-9_-]+")',
        'r"\\*", "[a-z0-9._-]+")',
        (f"{T_DESTINATIONS}::test_strangers_are_refused",),
    ),
    Mutant(
        "a pattern to its end",
        DESTINATIONS,
        "return _pattern(pattern).fullmatch(host) is not None",
        "return _pattern(pattern).match(host) is not None",
        (f"{T_DESTINATIONS}::test_strangers_are_refused",),
    ),
    Mutant(
        "hop-by-hop fields of a request",
        FIELDS,
        '_NOT_FORWARDED: Final = HOP_BY_HOP | {"host"',
        '_NOT_FORWARDED: Final = {"host"',
        (f"{T_FIELDS}::test_what_is_forwarded",),
    ),
    Mutant(
        "our own fields of a request, the token's too",
        FIELDS,
        ' or lower.startswith("x-sluice-"):',
        ":",
        (f"{T_FIELDS}::test_what_is_forwarded",),
    ),
    Mutant(
        "hop-by-hop fields of an answer",
        "daemon/gateway/answers.py",
        "if name.lower() not in HOP_BY_HOP and name.isascii()",
        "if name.isascii()",
        ("tests/gateway/test_answers.py::test_header_fields_for_the_client",),
    ),
    Mutant(
        "the longest wait that a provider may ask for",
        "daemon/explain/durations.py",
        "else checked(min(value, MAX_STATED_WAIT_S), MAX_STATED_WAIT_S)",
        "else max(value, 0.0)",
        (f"{T_FACTS}::test_waits_in_headers",),
    ),
    Mutant(
        "a wait below zero",
        "daemon/explain/durations.py",
        "if not math.isfinite(value) or value < 0 or value > most:",
        "if not math.isfinite(value) or value > most:",
        (f"{T_FACTS}::test_waits_in_headers",),
    ),
    # what becomes of keys
    Mutant(
        "the key of a call in a text",
        REDACT,
        "            if form in text:\n",
        "            if False:\n",
        (f"{T_REDACT}::test_no_form_of_a_key_stays",),
    ),
    Mutant(
        "the longer one of two keys first",
        REDACT,
        "tuple(sorted(held, key=lambda s: len(s._value), reverse=True))",
        "held",
        (f"{T_REDACT}::test_a_key_that_begins_with_another_key",),
    ),
    Mutant(
        "keys that are known by their shape",
        REDACT,
        "        if literal in text:\n",
        "        if False:\n",
        (f"{T_REDACT}::test_the_second_net",),
    ),
    Mutant(
        "fields whose name says that they are secret",
        REDACT,
        "if not value or not _is_secret_header(name):",
        "if True:",
        (f"{T_REDACT}::test_header_names_that_are_secret",),
    ),
    Mutant(
        "keys in a query",
        REDACT,
        "parts.append(self.secret(value) if _is_secret_query(name) else value)",
        "parts.append(value)",
        (f"{T_REDACT}::test_targets_stay_byte_for_byte",),
    ),
    Mutant(
        "a key in a body that is kept",
        ROWS,
        "clean = self._redactor.scrub_bytes(data, call.secrets())",
        "clean = data",
        (f"{T_JOURNAL}::test_the_key_is_in_no_file",),
    ),
    Mutant(
        "a key in a line of the log",
        "daemon/log/output.py",
        "self._redactor.scrub(text, held))",
        "text)",
        ("tests/log/test_output.py::test_text_style",),
    ),
    Mutant(
        "the last keys in a warning",
        "daemon/log/output.py",
        "held = self._redactor.recent() if thoroughly else ()",
        "held = ()",
        ("tests/log/test_output.py::test_a_key_that_looks_like_nothing",),
    ),
    Mutant(
        "a secret of the installation that is a link",
        PROCESS,
        "os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)",
        "os.open(file, os.O_RDONLY | os.O_CLOEXEC)",
        (f"{T_PROCESS}::test_a_secret_that_is_a_link",),
    ),
    Mutant(
        "a journal's lock that is a link",
        "daemon/journal/database.py",
        "os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)",
        "os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)",
        (f"{T_DATABASE}::test_a_lock_that_is_a_link_is_refused",),
    ),
    Mutant(
        "no core file",
        PROCESS,
        "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n",
        "    pass\n",
        (f"{T_PROCESS}::test_memory_is_kept_private",),
    ),
    Mutant(
        "memory that others cannot read",
        PROCESS,
        "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)",
        "pass",
        (f"{T_PROCESS}::test_memory_is_kept_private",),
    ),
    Mutant(
        "keeping the daemon's memory private",
        "daemon/app/serving.py",
        "    keep_memory_private()\n",
        "    pass\n",
        ("tests/app/test_serving.py::test_memory_is_private",),
    ),
    Mutant(
        "a key in a compressed request, before it is kept",
        ROWS,
        "return not coding or (len(call.body) <= most and is_clean(call.body, coding, call.secrets(), most))",
        "return True",
        ("tests/journal/test_rows.py::test_a_key_in_a_compressed_request",),
    ),
    Mutant(
        "a key in a compressed request, before it is shown",
        "daemon/curl/request.py",
        "body_kept = is_clean(call.body, coding, call.secrets(), MOST_UNPACKED)",
        "pass",
        ("tests/curl/test_request.py::test_a_compressed_body_that_may_hold_a_key_is_in_no_form",),
    ),
    Mutant(
        "an answer that is still compressed, before it is kept",
        "daemon/gateway/copy.py",
        "return None if self._packed else self.whole_body()",
        "return self.whole_body()",
        ("tests/gateway/test_delivery.py::test_the_answer_for_the_journal_is_never_compressed",),
    ),
    Mutant(
        "a bound for what is unpacked",
        "daemon/packed.py",
        "machine.decompress(rest, most - size + 1)",
        "machine.decompress(rest)",
        ("tests/test_packed.py::test_a_bomb",),
    ),
    Mutant(
        "half a surrogate pair by HTTP",
        "daemon/doors/request.py",
        " and not is_text(value):",
        " and False:",
        ("tests/hostile/test_control.py::test_known_traps",),
    ),
    Mutant(
        "whoever comes while a daemon of no use ends",
        "daemon/doors/idleness.py",
        "        if not self._in_use():\n",
        "        if True:\n",
        ("tests/doors/test_idleness.py",),
    ),
    Mutant(
        "a proxy is trusted, or told nothing",
        "daemon/upstream/dialing.py",
        "self._trust.context if proxy.tls else None",
        "believed if proxy.tls else None",
        ("tests/upstream/test_dialing.py::test_a_proxy_that_is_not_trusted_hears_nothing",),
    ),
)
