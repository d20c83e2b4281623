"""The 46 hostile inputs and what is expected of each: here is where each row is tested, and that it is.

A row is tested by cases in this folder, whose names begin with its number, or by tests elsewhere, which are named.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

ROWS: dict[int, tuple[str, str, tuple[str, ...]]] = {
    1: ("Content-Length and chunks", "400", ()),
    2: ("two lengths, lists, signs", "400", ()),
    3: ("Transfer-Encoding that is not exactly chunked", "400", ()),
    4: ("chunks that are malformed", "400", ()),
    5: ("a chunk of 2^64 bytes, then silence", "413, 408 or 400", ()),
    6: ("bare LF, folded lines", "400", ()),
    7: ("no Host, two Hosts", "400", ()),
    8: ("NUL in the key", "400, the key nowhere", ()),
    9: ("CR in a value, strange field names", "400", ()),
    10: ("a value that is not UTF-8", "400", ()),
    11: ("very long or very many fields", "400; up to 16 KiB passed on", ()),
    12: (
        "a body over the limit",
        "413 naming the setting, before it is read",
        ("doors/test_http.py::test_a_body_that_is_too_large",),
    ),
    13: (
        "a gzip bomb",
        "passed on as it is",
        (
            "hostile/test_http.py::test_a_gzip_bomb_goes_on_as_it_is",
            "doors/test_http.py::test_a_compressed_body_stays_compressed",
            "upstream/test_sender.py::test_a_compressed_upload_stays_compressed",
        ),
    ),
    14: ("HTTP/0.9, HTTP/2, TLS", "400", ()),
    15: ("CONNECT, absolute targets, //, *", "400, no connection to anybody", ()),
    16: (
        "dots, NUL and backslashes in the path",
        "byte for byte, or refused; never another route",
        ("hostile/test_http.py::test_an_unknown_host_is_not_called",),
    ),
    17: ("Connection that names fields", "400", ()),
    18: ("Upgrade", "501", ()),
    19: (
        "Expect",
        "never a 1xx line; 417 for another word",
        ("hostile/test_http.py::test_expect_is_answered_without_a_1xx_line",),
    ),
    20: (
        "1,000 pipelined requests",
        "cut, nothing left",
        (
            "hostile/test_http.py::test_pipelined_and_gone",
            "hostile/test_http.py::test_a_thousand_pipelined",
            "doors/test_http.py::test_many_pipelined_requests_and_gone",
        ),
    ),
    21: (
        "a slow head, a body that is withheld",
        "closed, 408",
        (
            "hostile/test_http.py::test_a_head_that_comes_slowly",
            "doors/test_http.py::test_a_head_that_does_not_come",
            "doors/test_http.py::test_a_body_that_does_not_come",
        ),
    ),
    22: ("half-closing after the request", "taken as leaving", ("hostile/test_http.py::test_half_closing_is_leaving",)),
    23: (
        "a client that never reads",
        "memory bounded, cut in the end",
        (
            "doors/test_http.py::test_a_client_that_does_not_read_holds_nothing_for_ever",
            "doors/test_session.py::test_a_visitor_who_never_reads_is_cut",
            "reliability/test_figures.py::test_reaches_its_target_in_a_short_form",
        ),
    ),
    24: (
        "answers that are no HTTP",
        "502, nothing repeated",
        (
            "hostile/test_provider.py::test_an_answer_that_is_no_answer",
            "hostile/test_provider.py::test_a_204_with_a_body",
            "upstream/test_sender.py::test_interim_answers",
        ),
    ),
    25: (
        "streams without line ends, not UTF-8, CR alone",
        "untouched, the copy bounded",
        (
            "hostile/test_provider.py::test_a_strange_stream",
            "providers/test_splitters.py::test_a_line_of_100_mib_is_not_held",
            "providers/test_stream.py::test_memory_is_bounded",
        ),
    ),
    26: (
        "an error that repeats the key",
        "as it is to the client, without the key elsewhere",
        (
            "hostile/test_provider.py::test_an_error_that_repeats_the_key",
            "gateway/test_telling.py::test_a_key_in_the_providers_sentence",
        ),
    ),
    27: (
        "a redirect to another host",
        "not followed",
        (
            "hostile/test_provider.py::test_a_redirect",
            "upstream/test_sender.py::test_redirects_are_not_followed",
            "gateway/test_loop.py::test_redirects",
        ),
    ),
    28: (
        "absurd Retry-After",
        "within [0, 40 days], and told in the log",
        (
            "explain/test_facts.py::test_waits_in_headers",
            "explain/test_facts.py::test_no_field_of_a_wait_raises",
            "gateway/test_oddities.py::test_an_absurd_wait_is_told",
        ),
    ),
    29: ("lengths of JSON-RPC frames", "-32600 and the end", ("doors/test_framing.py::test_bad_frame_headers",)),
    30: (
        "a frame's header without an end",
        "closed at 4 KiB",
        ("doors/test_framing.py::test_a_frame_header_without_end",),
    ),
    31: ("deep JSON, long numbers", "-32700, the daemon lives", ("doors/test_dispatch.py::test_bad_messages",)),
    32: (
        "NaN, surrogates, BOM, names twice",
        "-32700, -32602 or taken, never -32603",
        (
            "doors/test_dispatch.py::test_bad_messages",
            "doors/test_dispatch.py::test_odd_messages_that_are_good",
            "hostile/test_control.py::test_known_traps",
        ),
    ),
    33: (
        "strange ids, huge batches, floods",
        "-32600, caps",
        (
            "doors/test_dispatch.py::test_bad_messages",
            "hostile/test_rpc.py::test_a_flood_of_notifications",
        ),
    ),
    34: (
        "cancelling what is not one's own",
        "nothing happens to others",
        (
            "doors/test_dispatch.py::test_cancelling_nothing",
            "doors/test_dispatch.py::test_one_connection_cannot_cancel_for_another",
        ),
    ),
    35: (
        "another uid",
        "turned away before a byte",
        (
            "doors/test_porter.py::test_another_uid_is_turned_away",
            "doors/test_porter.py::test_our_own_uid_comes_in",
            "doors/test_keeper.py::test_a_socket_that_others_may_open",
            "e2e/test_life.py::test_a_socket_that_others_may_open",
            "doors/test_porter.py::test_root_and_owner_are_allowed",
        ),
    ),
    36: (
        "something else in the socket's place",
        "refused, nothing removed",
        (
            "doors/test_rundir.py::test_what_is_not_a_socket_is_not_touched",
            "doors/test_rundir.py::test_the_socket_of_a_program_that_lives_is_not_touched",
            "app/test_serving.py::test_a_place_of_another_program_is_refused",
            "doors/test_rundir.py::test_the_second_daemon_learns_who_is_first",
        ),
    ),
    37: (
        "the socket file deleted while the daemon runs",
        "made again within a minute, logged",
        (
            "doors/test_standing.py::test_a_socket_that_is_gone_is_made_again",
            "doors/test_keeper.py::test_a_deleted_socket_comes_back",
            "e2e/test_life.py::test_a_deleted_socket",
        ),
    ),
    38: (
        "browsers, other names for us",
        "403, no field that would help a page",
        (
            "doors/test_gate.py::test_who_is_turned_away",
            "doors/test_listener.py::test_nothing_without_the_token",
            "doors/test_listener.py::test_json_rpc_without_the_token",
            "doors/test_listener.py::test_a_preflight_is_refused",
        ),
    ),
    39: (
        "keys in odd places",
        "to the provider, nowhere else",
        (
            "journal/test_journal.py::test_the_key_is_in_no_file",
            "curl/test_command.py::test_a_key_in_an_odd_place_is_taken_out",
            "test_redact.py::test_no_form_of_a_key_stays",
            "log/test_calls.py::test_no_key",
            "gateway/test_intake.py::test_a_key_as_the_model",
        ),
    ),
    40: (
        "shell text and terminal codes in prompts and names",
        "curl sends them exactly, terminals show no codes",
        (
            "curl/test_command.py::test_generated_requests_arrive_byte_for_byte",
            "curl/test_command.py::test_pasted_into_a_terminal",
            "cli/test_safe.py::test_nothing_drives_the_terminal",
            "log/test_calls.py::test_lines_cannot_be_forged",
        ),
    ),
    41: ("shell text as a method", "400", ("curl/test_command.py::test_generated_requests_arrive_byte_for_byte",)),
    42: (
        "configuration files",
        "refused with file and line; the old one stays",
        (
            "config/test_file.py::test_a_key_that_others_can_read",
            "config/test_file.py::test_what_is_not_a_file",
            "config/test_file.py::test_links_are_followed_and_their_target_is_judged",
            "config/test_file.py::test_a_file_that_is_too_large",
            "config/test_file.py::test_bytes_that_are_not_utf8",
            "config/test_file.py::test_mistakes_are_named",
            "config/test_upstreams.py::test_plain_http_where_it_is_right",
            "config/test_nodes.py::test_what_is_not_needed",
            "app/test_application.py::test_reloading",
        ),
    ),
    43: (
        "the environment",
        "works, or one clear line",
        (
            "config/test_proxy.py::test_the_environments_rules",
            "config/test_proxy.py::test_a_proxy_that_cannot_be_used_is_not_gone_around",
            "upstream/test_tls.py::test_trusting_nobody_is_a_clear_error",
            "config/test_places.py::test_an_unsafe_runtime_directory_is_passed_over",
            "config/test_places.py::test_another_users_runtime_directory",
            "config/test_places.py::test_without_a_home",
            "curl/test_command.py::test_via_daemon_and_by_proxy",
            "cli/test_terminal.py::test_a_terminal_that_is_not_utf8",
        ),
    ),
    44: (
        "sleep, stopped processes, clocks that jump",
        "no burst, no negative wait",
        (
            "pacing/test_pacer.py::test_after_an_hour_of_sleep_nothing_bursts",
            "pacing/test_pacer.py::test_a_wall_clock_that_jumps_changes_nothing_but_dates",
            "pacing/test_clocks.py::test_a_late_timer_means_that_the_machine_slept",
            "upstream/test_sender.py::test_connections_from_before_a_sleep",
        ),
    ),
    45: (
        "the journal's file",
        "calls go on, health says which, nothing is overwritten",
        (
            "journal/test_connection.py::test_a_newer_journal_is_left_alone",
            "journal/test_connection.py::test_a_damaged_file_is_put_aside",
            "journal/test_housekeeping.py::test_a_file_that_goes_away_while_it_runs",
            "journal/test_journal.py::test_a_disk_that_refuses_loses_nothing_when_it_recovers",
            "journal/test_database.py::test_damage_is_told_from_other_trouble",
            "journal/test_disk.py::test_locked_by_another_tool",
            "operations/test_asking.py::test_calls_while_another_tool_locks_the_journal",
        ),
    ),
    46: (
        "TLS: expired, self-signed, another name, too old, none",
        "502 with cause and host, the key not sent",
        (
            "hostile/test_provider.py::test_a_tls_connection_that_must_not_be",
            "upstream/test_sender.py::test_tls_to_a_plain_port",
        ),
    ),
}
"""Number: what comes, what is expected, and the tests elsewhere."""


@cache
def cases() -> dict[int, int]:
    """How many cases in this folder begin with the number of a row."""
    from hostile import test_http, test_rpc

    names = [f"{case.row} {case.name}" for case in test_http.CASES]
    names += [*test_http.PASSED, *test_rpc.ENDS, *test_rpc.GOES_ON, *test_rpc.GOOD]
    numbers = [int(found[0]) for name in names if (found := re.match(r"\d+", name))]
    return {number: numbers.count(number) for number in numbers}


def rows_by(*names: str) -> set[int]:
    """The rows of cases with these NAMES."""
    return {int(name.split(" ")[0]) for name in names}


def in_words(numbers: set[int]) -> str:
    """`1 to 3, 5 and 7`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    said = [str(part[0]) if len(part) == 1 else f"{part[0]} to {part[-1]}" for part in parts]
    return " and ".join([", ".join(said[:-1]), said[-1]])


@cache
def functions_in(file: str) -> frozenset[str]:
    """The names of the test functions of FILE."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


def test_the_table_is_whole() -> None:
    """46 rows, none forgotten."""
    assert sorted(ROWS) == list(range(1, 47))


@pytest.mark.parametrize("number", ROWS)
def test_each_row_is_tested(number: int) -> None:
    """By cases here or by tests elsewhere that exist under this name."""
    what, expected, elsewhere = ROWS[number]
    assert what
    assert expected
    assert cases().get(number, 0) + len(elsewhere) > 0, "nobody tests it"
    missing = [name for name in elsewhere if name.partition("::")[2] not in functions_in(name.partition("::")[0])]
    assert not missing


def test_what_is_promised_of_it() -> None:
    """SECURITY.md says which rows come on both ways in, whole and in single bytes, and up to which length: these are
    they, and row 38 comes by TCP alone."""
    from hostile import test_http, test_rpc

    rpc = {**test_rpc.ENDS, **test_rpc.GOES_ON, **test_rpc.GOOD}
    both = {case.row for case in test_http.REFUSED} | rows_by(*test_http.PASSED, *rpc)
    assert {case.row for case in (*test_http.BROWSER, *test_http.REBOUND)} == {38}
    marks = [test_http.ways(test_http.REFUSED, "unix", "tcp"), test_rpc.ways(rpc)]
    short = {case.name for case in test_http.REFUSED if len(case.data) < 10_000}
    short |= {name for name, (data, _) in rpc.items() if len(data) < 10_000}
    for mark in marks:
        for one in mark.args[1]:
            first = one.values[0]
            name = first if isinstance(first, str) else first.name
            assert name not in short or one.id.replace(" whole", " bytes") in {other.id for other in mark.args[1]}
    promised = (TESTS.parent / "SECURITY.md").read_text(encoding="utf-8")
    assert f"(rows {in_words(both)})" in promised
    assert "less than 10,000 bytes" in promised
