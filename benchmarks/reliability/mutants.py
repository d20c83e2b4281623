"""Safety checks that are taken out one at a time, and the tests that must turn red without each.

A mutant is a place in the source, word for word, and what stands there instead. When the source has changed so that the
words are not found any more, that is an error, not a mutant less: then it must be written anew.
"""

from __future__ import annotations

from benchmarks.reliability.mutant import Mutant
from benchmarks.reliability.mutants_keys import OF_KEYS

PORTER, RUNDIR = "daemon/doors/porter.py", "daemon/doors/rundir.py"
STANDING, SYSTEMD = "daemon/doors/standing.py", "daemon/systemd.py"
REQUEST, HTTP, RPC = "daemon/doors/request.py", "daemon/doors/http.py", "daemon/doors/rpc.py"
DISPATCH, SESSION = "daemon/doors/dispatch.py", "daemon/doors/session.py"
PARSING, VISIT, WRITING = "daemon/doors/parsing.py", "daemon/doors/connection.py", "daemon/doors/writing.py"
SENDER, PARSER, CONNECTION = "daemon/upstream/sender.py", "daemon/upstream/parser.py", "daemon/upstream/connection.py"
OUTGOING, TLS = "daemon/upstream/request.py", "daemon/upstream/tls.py"
REDACT, CONFIG = "daemon/redact.py", "daemon/config/file.py"
LISTENER, WRITER = "daemon/doors/listener.py", "daemon/journal/writer.py"
DATABASE, BODIES, PROCESS = "daemon/journal/database.py", "daemon/journal/bodies.py", "daemon/process.py"

T_PORTER, T_RUNDIR = "tests/doors/test_porter.py", "tests/doors/test_rundir.py"
T_STANDING, T_SYSTEMD = "tests/doors/test_standing.py", "tests/test_systemd.py"
T_REQUEST, T_HTTP, T_RPC = "tests/doors/test_request.py", "tests/doors/test_http.py", "tests/doors/test_rpc.py"
T_DISPATCH, T_SESSION = "tests/doors/test_dispatch.py", "tests/doors/test_session.py"
T_PARSING, T_VISIT, T_WRITING = (
    "tests/doors/test_parsing.py",
    "tests/doors/test_connection.py",
    "tests/doors/test_writing.py",
)
T_SENDER, T_PARSER = "tests/upstream/test_sender.py", "tests/upstream/test_parser.py"
T_CONNECTION, T_OUTGOING = "tests/upstream/test_connection.py", "tests/upstream/test_request.py"
T_LISTENER, T_WRITER = "tests/doors/test_listener.py", "tests/journal/test_writer.py"
T_TLS, T_REDACT, T_CONFIG = "tests/upstream/test_tls.py", "tests/test_redact.py", "tests/config/test_file.py"
T_DATABASE, T_BODIES, T_PROCESS = (
    "tests/journal/test_database.py",
    "tests/journal/test_bodies.py",
    "tests/test_process.py",
)

MUTANTS: tuple[Mutant, ...] = (
    # who may come in
    Mutant(
        "the visitor's uid",
        PORTER,
        "in (os.geteuid(), 0)\n",
        "is not None\n",
        (f"{T_PORTER}::test_root_and_owner_are_allowed",),
    ),
    Mutant(
        "turning a stranger away",
        PORTER,
        "if not self._porter.allowed(transport):",
        "if False:",
        (f"{T_PORTER}::test_a_stranger_is_turned_away_before_a_byte",),
    ),
    Mutant(
        "a folder that is a link",
        RUNDIR,
        "if stat.S_ISLNK(about.st_mode):",
        "if False:",
        (f"{T_RUNDIR}::test_unsafe_folders_are_refused",),
    ),
    Mutant(
        "a folder that others enter",
        RUNDIR,
        "    if about.st_mode & 0o077:\n",
        "    if False:\n",
        (f"{T_RUNDIR}::test_unsafe_folders_are_refused",),
    ),
    Mutant(
        "a folder of somebody else",
        RUNDIR,
        "if about.st_uid != os.geteuid():",
        "if False:",
        (f"{T_RUNDIR}::test_a_folder_of_somebody_else_is_refused",),
    ),
    Mutant(
        "a parent that others may write",
        RUNDIR,
        "if about.st_mode & others and not",
        "if False and not",
        (f"{T_RUNDIR}::test_a_parent_that_others_may_write_is_refused",),
    ),
    Mutant(
        "the mode of the socket",
        RUNDIR,
        "        beside.chmod(0o600)\n",
        "        beside.chmod(0o666)\n",
        (f"{T_RUNDIR}::test_bind_makes_a_private_socket",),
    ),
    Mutant(
        "what is at the socket's path",
        RUNDIR,
        "if path.is_symlink() or (path.exists()",
        "if False and (path.exists()",
        (f"{T_RUNDIR}::test_what_is_not_a_socket_is_not_touched",),
    ),
    Mutant(
        "a program that lives in the socket's place",
        RUNDIR,
        "if not over_living and _lives(path):",
        "if False:",
        (f"{T_RUNDIR}::test_the_socket_of_a_program_that_lives_is_not_touched",),
    ),
    Mutant(
        "nobody else at the port",
        LISTENER,
        "socket.SO_REUSEPORT, 1 if share else 0)",
        "socket.SO_REUSEPORT, 1)",
        (f"{T_LISTENER}::test_a_port_that_is_taken",),
    ),
    Mutant(
        "letting in by TCP who has knocked",
        LISTENER,
        "            await self._porter.leave()\n",
        "            self._porter.close()\n",
        (f"{T_LISTENER}::test_who_has_knocked_is_let_in",),
    ),
    Mutant(
        "the length of the socket's path",
        RUNDIR,
        "if length > MAX_PATH:",
        "if False:",
        (f"{T_RUNDIR}::test_a_path_that_is_too_long",),
    ),
    Mutant(
        "the lock",
        RUNDIR,
        "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        (f"{T_RUNDIR}::test_a_lock_in_one_process_twice",),
    ),
    Mutant(
        "a lock that is a link",
        RUNDIR,
        ' | os.O_NOFOLLOW, 0o600)\n    except OSError as error:\n        raise ConfigError(phrase("door.lock"',
        ', 0o600)\n    except OSError as error:\n        raise ConfigError(phrase("door.lock"',
        (f"{T_RUNDIR}::test_a_lock_that_is_a_link_is_refused",),
    ),
    Mutant(
        "sending away who says nothing",
        PORTER,
        "call_later(_FIRST_BYTE_S, self._transport.abort)",
        "call_later(9e9, self._transport.abort)",
        (f"{T_PORTER}::test_a_visitor_who_says_nothing_is_sent_away",),
    ),
    Mutant(
        "room for those who speak",
        PORTER,
        "            first.send_away()\n",
        "            pass\n",
        (f"{T_PORTER}::test_too_many_who_say_nothing",),
    ),
    Mutant(
        "letting in who has knocked",
        PORTER,
        "            await emptied(sock)\n",
        "            pass\n",
        (f"{T_PORTER}::test_who_has_knocked_is_let_in",),
    ),
    # where we stand
    Mutant(
        "only our own socket is removed",
        STANDING,
        "_inode(self.path) == self._inode:\n            with",
        "True:\n            with",
        (
            f"{T_STANDING}::test_a_second_daemon_that_was_quicker",
            f"{T_STANDING}::test_a_file_in_the_place_of_the_socket_stays",
        ),
    ),
    Mutant(
        "a lock file that was deleted",
        STANDING,
        "if not self.free and not lock.intact():",
        "if False:",
        (f"{T_STANDING}::test_a_lock_file_that_is_gone_is_made_again",),
    ),
    Mutant(
        "a socket of systemd stays",
        STANDING,
        "if not self.given and",
        "if",
        (f"{T_STANDING}::test_a_socket_of_systemd_is_not_ours",),
    ),
    Mutant(
        "taking the place back",
        "daemon/doors/keeper.py",
        "            self._standing.regain()\n",
        "            pass\n",
        ("tests/doors/test_keeper.py::test_whoever_does_not_come",),
    ),
    Mutant(
        "a hand-over that was not asked for",
        "daemon/doors/keeper.py",
        "if done and not self._standing.free:",
        "if False:",
        ("tests/doors/test_keeper.py::test_handing_over",),
    ),
    # systemd
    Mutant(
        "for which process the descriptors are",
        SYSTEMD,
        "if pid is None or pid != str(os.getpid()):",
        "if pid is None:",
        (f"{T_SYSTEMD}::test_what_is_meant_for_another_process",),
    ),
    Mutant("exactly one socket", SYSTEMD, 'if count != "1" or', "if", (f"{T_SYSTEMD}::test_exactly_one",)),
    Mutant(
        "a descriptor that is no such socket",
        SYSTEMD,
        "    if why := _why_not(sock):",
        "    if why := None:",
        (f"{T_SYSTEMD}::test_what_is_no_such_socket",),
    ),
    Mutant(
        "children do not inherit the socket",
        SYSTEMD,
        "sock.set_inheritable(False)",
        "pass",
        (f"{T_SYSTEMD}::test_a_socket_is_taken",),
    ),
    # requests
    Mutant(
        "the version of HTTP",
        REQUEST,
        "if request.version not in SPOKEN:",
        "if False:",
        (f"{T_REQUEST}::test_another_version_of_http",),
    ),
    Mutant(
        "the method",
        REQUEST,
        "if request.method not in _METHODS:",
        "if False:",
        (f"{T_REQUEST}::test_refused_requests",),
    ),
    Mutant(
        "a target that names a host",
        REQUEST,
        'if not target.startswith("/") or target.startswith("//"):',
        "if False:",
        (f"{T_REQUEST}::test_refused_requests",),
    ),
    Mutant(
        "the encoding of the body",
        PARSING,
        'if coding.lower() != "chunked" or "transfer-encoding" in request.repeated:',
        "if False:",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "a length beside chunks",
        PARSING,
        'if length is not None or request.version == "1.0":',
        "if False:",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "one length",
        PARSING,
        '"content-length" in request.repeated or not',
        "not",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "the digits of a length",
        PARSING,
        " or not _LENGTH.fullmatch(length)",
        "",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "control characters and bare ends of lines in a head",
        PARSING,
        'if data.translate(None, _TEXT) != b"\\r\\n" * ends:\n        raise NotHttp  #',
        "if False:\n        raise NotHttp  #",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "names of fields",
        "daemon/upstream/fields.py",
        "if not _NAME.fullmatch(name):",
        "if False:",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "the number of fields",
        PARSING,
        "if ends > MOST_FIELDS or",
        "if",
        (f"{T_PARSING}::test_what_is_no_request",),
    ),
    Mutant(
        "one request at a time",
        VISIT,
        "        if self.task is None:\n            self._read(data)\n            return\n",
        "        if True:\n            self._read(data)\n            return\n",
        (f"{T_VISIT}::test_one_after_the_other",),
    ),
    Mutant(
        "requests ahead of their answers",
        VISIT,
        "if len(self._ahead) > MOST_AHEAD and",
        "if False and",
        (f"{T_VISIT}::test_too_far_ahead",),
    ),
    Mutant(
        "a field of an answer that would be two",
        WRITING,
        'if text.count("\\n") != len(lines) or text.count("\\r") != len(lines):',
        "if False:",
        (f"{T_WRITING}::test_no_field_becomes_two",),
    ),
    Mutant(
        "an answer as long as it says",
        WRITING,
        "if self._missing > 0 and not self.silent:",
        "if False:",
        (f"{T_WRITING}::test_what_is_promised_is_kept",),
    ),
    Mutant(
        "fields that Connection names",
        REQUEST,
        'if named - {"", "close", "keep-alive", "te", "upgrade"}:',
        "if False:",
        (f"{T_REQUEST}::test_refused_requests",),
    ),
    Mutant(
        "one Host",
        REQUEST,
        'if "host" in request.repeated or (request.version == "1.1" and not fields.get("host")):',
        "if False:",
        (f"{T_REQUEST}::test_one_host",),
    ),
    Mutant(
        "the size of a body that was promised",
        VISIT,
        " or parser.length > most:",
        ":",
        (f"{T_VISIT}::test_a_body_that_is_too_large",),
    ),
    Mutant(
        "the size of a body that comes",
        VISIT,
        "if self._size > most or",
        "if",
        (f"{T_VISIT}::test_a_body_that_is_too_large",),
    ),
    Mutant(
        "what is not understood is not repeated",
        HTTP,
        '_log.debug(phrase("log.not_http", why=fault.said))',
        '_log.debug(phrase("log.not_http", why=repr(fault.__context__ or fault.__traceback__.tb_frame.f_locals)))',
        (f"{T_HTTP}::test_hostile",),
    ),
    Mutant(
        "a client that leaves cancels",
        VISIT,
        "        if self.task is not None:\n            self.task.cancel()",
        "        if False:\n            self.task.cancel()",
        (f"{T_HTTP}::test_a_client_that_leaves_while_waiting_cancels",),
    ),
    Mutant(
        "a cut stream ends uncleanly",
        HTTP,
        "        connection.abort()  # an unclean end",
        "        connection.end()  # an unclean end",
        (f"{T_HTTP}::test_a_cut_stream_ends_uncleanly",),
    ),
    Mutant(
        "a visitor who never reads",
        SESSION,
        "if transport.get_write_buffer_size() > OUT_LIMIT:",
        "if False:",
        (f"{T_SESSION}::test_a_visitor_who_never_reads_is_cut",),
    ),
    Mutant(
        "the time for the rest of a message",
        RPC,
        "self._watchdog.watch(self._patience_s)\n        else:",
        "pass\n        else:",
        (f"{T_RPC}::test_half_a_message",),
    ),
    Mutant(
        "room for those who speak JSON-RPC",
        RPC,
        "full=self._crowd.full(gate)",
        "full=False",
        (f"{T_RPC}::test_too_many_connections",),
    ),
    Mutant(
        "the end of a flood",
        DISPATCH,
        'phrase("rpc.flood", most=IN_FLIGHT_CAP))\n                self._session.close()\n',
        'phrase("rpc.flood", most=IN_FLIGHT_CAP))\n',
        (f"{T_DISPATCH}::test_a_batch_after_a_flood",),
    ),
    # the way out
    Mutant(
        "a POST goes out once",
        SENDER,
        "if not dead or call.method not in _TWICE_IS_ONCE:",
        "if not dead:",
        (f"{T_SENDER}::test_a_connection_that_dies_when_it_is_used_again",),
    ),
    Mutant(
        "what was begun to be answered is not sent again",
        SENDER,
        " and not connection.heard",
        "",
        (f"{T_SENDER}::test_what_was_begun_to_be_answered_is_not_repeated",),
    ),
    Mutant(
        "an answer has one length",
        PARSER,
        '"content-length" in repeated or ',
        "",
        (f"{T_PARSER}::test_what_is_no_answer",),
    ),
    Mutant(
        "bytes that nobody asked for are no answer",
        CONNECTION,
        "            self.abort()\n            return\n",
        "            return\n",
        (f"{T_CONNECTION}::test_bytes_that_nobody_asked_for",),
    ),
    Mutant(
        "a line break in a field of the request",
        OUTGOING,
        'text.count("\\n") != lines or text.count("\\r") != lines or ',
        "",
        (f"{T_OUTGOING}::test_what_would_be_another_request",),
    ),
    Mutant(
        "trusting nobody is an error",
        TLS,
        'if not context.cert_store_stats()["x509_ca"] and',
        "if False and",
        (f"{T_TLS}::test_trusting_nobody_is_a_clear_error",),
    ),
    # secrets
    Mutant(
        "a Secret shows only its name",
        REDACT,
        '        return f"«{self.name}»"\n',
        "        return self._value\n",
        (f"{T_REDACT}::test_a_secret_shows_only_its_name",),
    ),
    Mutant(
        "a Secret cannot be copied out",
        REDACT,
        'raise TypeError("a Secret cannot be pickled',
        'return (str, ("",))  # ("',
        (f"{T_REDACT}::test_a_secret_shows_only_its_name",),
    ),
    Mutant(
        "a header field that nobody knows keeps no value",
        REDACT,
        "    return Sealed(Withheld(len(str(value))))\n",
        "    return value\n",
        (f"{T_REDACT}::test_header_fields_that_are_withheld",),
    ),
    # the configuration
    Mutant(
        "a configuration of somebody else",
        CONFIG,
        "if about.st_uid not in (os.geteuid(), 0):",
        "if False:",
        (f"{T_CONFIG}::test_a_file_of_another_user",),
    ),
    Mutant(
        "a configuration that others write",
        CONFIG,
        "if about.st_mode & (0o002 if own_group(about.st_gid) else 0o022):",
        "if False:",
        (f"{T_CONFIG}::test_links_are_followed_and_their_target_is_judged", T_CONFIG),
    ),
    Mutant(
        "a key in a file that others read",
        CONFIG,
        "    if about.st_mode & 0o044:\n",
        "    if False:\n",
        (f"{T_CONFIG}::test_a_key_that_others_can_read",),
    ),
    Mutant(
        "the size of the configuration",
        CONFIG,
        "        if len(raw) > MAX_FILE:\n",
        "        if False:\n",
        (f"{T_CONFIG}::test_a_file_that_is_too_large",),
    ),
    # the journal
    Mutant(
        "one writer",
        DATABASE,
        "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "pass",
        (f"{T_DATABASE}::test_one_lock",),
    ),
    Mutant(
        "a newer journal is not touched",
        DATABASE,
        "if version > len(schema()):",
        "if False:",
        ("tests/journal/test_connection.py", T_DATABASE),
    ),
    Mutant(
        "the journal is private",
        DATABASE,
        "os.O_EXCL | os.O_CLOEXEC, 0o600)",
        "os.O_EXCL | os.O_CLOEXEC, 0o644)",
        ("tests/journal/test_journal.py", T_DATABASE),
    ),
    Mutant(
        "a migration is whole or not at all",
        DATABASE,
        "BEGIN IMMEDIATE;\\n{step}",
        "{step}",
        (f"{T_DATABASE}::test_migrations_are_whole_or_not_at_all",),
    ),
    Mutant(
        "a body is not written through a link",
        "daemon/whole.py",
        "    half.unlink(missing_ok=True)\n    fd",
        "    fd",
        (T_BODIES,),
    ),
    Mutant(
        "bodies that wait for their rows",
        BODIES,
        " and _written_at(path) < before",
        "",
        (f"{T_BODIES}::test_sweep_leaves_what_is_new",),
    ),
    # the process
    Mutant(
        "the sandbox's safe parser",
        "daemon/sandbox/server.py",
        'if "aiohttp._http_parser" not in modules:',
        "if False:",
        ("tests/sandbox/test_server.py::test_the_safe_parser_is_needed",),
    ),
    Mutant(
        "the log is not flooded",
        PROCESS,
        "        if text in self._said or",
        "        if False or",
        (f"{T_PROCESS}::test_the_loop_does_not_flood_the_log",),
    ),
    Mutant(
        "a journal that stands still",
        WRITER,
        "(since is None or self._ticks() - since <= STUCK_S)",
        "True",
        (f"{T_WRITER}::test_a_thread_that_stands_still_is_not_alive",),
    ),
    Mutant(
        "connections that fit",
        PROCESS,
        "return max(4, min(wanted, (soft - _OWN_FILES) // (2 * ways)))",
        "return wanted",
        (f"{T_PROCESS}::test_connections_that_fit",),
    ),
    *OF_KEYS,
)
