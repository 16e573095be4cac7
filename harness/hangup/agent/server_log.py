"""The surface `server-log`: errors that the process logs, and those Python can only print."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any

from hangup.agent import garbage_collection, probe

ERROR_LINE = "error line"
"""What the log saw if the line came without an exception."""
MAX_LINE = 2000
"""How many characters of a line are reported at most."""


def report_errors() -> None:
    """Report every error that is logged, and every exception that reaches `sys.unraisablehook`.

    A log record factory is called once for each record, whichever loggers, handlers and
    propagation the server has configured, and leaves all of that as it is.
    """
    make_record = logging.getLogRecordFactory()

    def make_reported_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        if record.levelno >= logging.ERROR:
            with suppress(Exception):  # the record's message may not fit its arguments
                error = record.exc_info[1] if record.exc_info else None
                _report(error, f"{record.name}: {record.getMessage()}")
        return record

    logging.setLogRecordFactory(make_reported_record)

    show_unraisable = sys.unraisablehook

    def report_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
        with suppress(Exception):
            what = unraisable.err_msg or "Exception ignored"
            _report(unraisable.exc_value, f"{what}: {unraisable.exc_value}")
        show_unraisable(unraisable)

    sys.unraisablehook = report_unraisable
    garbage_collection.watch()


def _report(error: BaseException | None, text: str) -> None:
    # A collection runs in the context of whatever code allocated an object last. What is
    # finalised by it, and what asyncio logs about that, may belong to any request.
    probe.record(
        None if garbage_collection.is_running() else probe.trial_of_request.get(),
        "server-log",
        "saw",
        saw=ERROR_LINE if error is None else probe.name(error),
        detail=text.partition("\n")[0][:MAX_LINE],
    )
