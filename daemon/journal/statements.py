"""What the journal writes, as SQL. Named parameters; each statement finds its call by the id."""

from __future__ import annotations

from typing import Final

INSERT_CALL: Final = """INSERT INTO calls (id, ref, client, priority, state, arrived_at, host, url, provider, key, pool,
        kind, model, stream, method, target, headers, estimate, body_bytes)
    VALUES (:id, :ref, :client, :priority, 'waiting', :arrived_at, :host, :url, :provider, :key, :pool, :kind,
        :model, :stream, :method, :target, :headers, :estimate, :body_bytes)
    ON CONFLICT (id) DO NOTHING"""
STEP: Final = """INSERT INTO steps (call, at, kind, attempt, status, wait_s, reason)
    SELECT n, :at, :kind, :attempt, :status, :wait_s, :reason FROM calls WHERE id = :id"""

JOINED: Final = """UPDATE calls SET state = 'running', how = :how, answered_with = :with,
        waited_s = max(waited_s, :wait_s)
    WHERE id = :id"""
MOVED: Final = """UPDATE calls SET host = :host, url = :url, provider = :provider, key = :key, pool = :pool,
        kind = :kind, model = :model, stream = :stream, method = :method, target = :target, headers = :headers,
        estimate = :estimate, body_bytes = :body_bytes
    WHERE id = :id"""
ADMITTED: Final = "UPDATE calls SET state = 'running', waited_s = waited_s + :wait_s WHERE id = :id"
SENT: Final = """UPDATE calls SET state = 'running', attempts = :attempt, sent_at = coalesce(sent_at, :at)
    WHERE id = :id"""
FIRST_BYTE: Final = "UPDATE calls SET first_byte_at = coalesce(first_byte_at, :at) WHERE id = :id"
HELD: Final = "UPDATE calls SET state = 'held' WHERE id = :id"
FAILED: Final = """UPDATE calls SET state = 'failed', ended_at = :at, status = :status, subtype = :subtype,
        family = :family, line = :line, explanation = :explanation
    WHERE id = :id"""
CANCELLED: Final = "UPDATE calls SET state = 'cancelled', ended_at = :at, line = :line WHERE id = :id"
DONE: Final = """UPDATE calls SET state = 'done', ended_at = :at, status = :status, answer_bytes = :answer_bytes,
        input_tokens = :input, output_tokens = :output, cached_tokens = :cached_input,
        written_tokens = :cache_write, usage_reported = :reported
    WHERE id = :id"""
KEPT: Final = """UPDATE calls SET body_kept = max(body_kept, :request), body_changed = max(body_changed, :changed),
        answer_kept = max(answer_kept, :answer)
    WHERE id = :id"""

ATTEMPT: Final = """INSERT OR IGNORE INTO attempts (call, attempt) SELECT n, :attempt FROM calls WHERE id = :id"""
ATTEMPT_SENT: Final = """UPDATE attempts SET sent_at = :at
    WHERE call = (SELECT n FROM calls WHERE id = :id) AND attempt = :attempt"""
ATTEMPT_ANSWERED: Final = """UPDATE attempts SET answered_at = :at, status = :status, headers = :headers,
        readings = :readings
    WHERE call = (SELECT n FROM calls WHERE id = :id) AND attempt = :attempt"""
ATTEMPT_FIRST_BYTE: Final = """UPDATE attempts SET first_byte_at = :at
    WHERE call = (SELECT n FROM calls WHERE id = :id) AND attempt = :attempt"""
ATTEMPT_FAILED: Final = """UPDATE attempts SET ended_at = :at, status = coalesce(:status, status), fault = :fault,
        sent = :sent, headers = coalesce(headers, :headers), detail = :detail, body = :body, subtype = :subtype,
        line = :line
    WHERE call = (SELECT n FROM calls WHERE id = :id) AND attempt = :attempt"""
ATTEMPT_ENDED: Final = """UPDATE attempts SET ended_at = :at
    WHERE call = (SELECT n FROM calls WHERE id = :id) AND attempt = :attempt"""

LEDGER: Final = """INSERT INTO ledger (day, host, key, model, client, calls, failed, input, output, cached_input,
        cache_write, estimated)
    SELECT :day, host, key, coalesce(model, '-'), client, 1, :failed, :input, :output, :cached_input, :cache_write,
        :estimated
    FROM calls WHERE id = :id
    ON CONFLICT (day, host, key, model, client) DO UPDATE SET calls = calls + 1, failed = failed + excluded.failed,
        input = input + excluded.input, output = output + excluded.output,
        cached_input = cached_input + excluded.cached_input, cache_write = cache_write + excluded.cache_write,
        estimated = estimated + excluded.estimated"""

INTERRUPTED: Final = "UPDATE calls SET state = 'interrupted' WHERE state IN ('waiting', 'running', 'held')"
REMEMBER: Final = "INSERT OR REPLACE INTO memory (kind, key, value) VALUES (:kind, :key, :value)"
FORGET: Final = "DELETE FROM memory WHERE kind = :kind AND key = :key"
