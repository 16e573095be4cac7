"""What a run has finished, kept as it goes, so that it can be resumed.

`RESULTS/.hangup/runs/<id>/plan.json` and `journal.jsonl`: a finished batch of trials a line. A run
that is cut off loses the batches under way and, at the worst, one half-written line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.plan import Plan
from hangup.model.trace import Latency, Trial


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is finished of one stack."""

    app: str
    server: str
    scenario: str | None = None
    trials: tuple[Trial, ...] = ()
    traced: tuple[Trial, ...] = ()
    latency: Latency | None = None
    rejected_registrations: dict[str, str] = {}
    unattributed: tuple[str, ...] = ()


class Journal:
    """The journal of one run; `directory` is also where its servers keep their logs."""

    def __init__(self, directory: Path, plan: Plan, finished: tuple[Batch, ...] = ()) -> None:
        self.directory = directory
        self.plan = plan
        self.batches = list(finished)

    @classmethod
    def begin(cls, runs: Path, plan: Plan) -> Journal:
        """Begin a run; what an earlier one has left is dropped."""
        shutil.rmtree(runs, ignore_errors=True)
        directory = runs / plan.id
        write_whole(directory / "plan.json", msgspec.json.encode(plan))
        return cls(directory, plan)

    @classmethod
    def resume(cls, runs: Path) -> Journal:
        """Take up the run that was not finished; raises UserError if there is none."""
        path = unfinished_plan(runs)
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        except msgspec.MsgspecError:
            raise UserError(
                f"{path} is damaged or of another hangup; start anew with `hangup run`."
            ) from None
        journal = path.with_name("journal.jsonl")
        finished = tuple(_batches(journal))
        # What was written last may have been cut off; it must not spoil what comes next.
        lines = (msgspec.json.encode(batch) + b"\n" for batch in finished)
        write_whole(journal, b"".join(lines))
        return cls(path.parent, plan, finished)

    def keep(self, batch: Batch) -> None:
        """Write down that a batch is finished."""
        with (self.directory / "journal.jsonl").open("ab") as journal:
            journal.write(msgspec.json.encode(batch) + b"\n")
        self.batches.append(batch)

    def finished(self, app: str, server: str, scenario: str | None) -> bool:
        """Whether this was finished; scenario None asks for the latency."""
        return any(
            (batch.app, batch.server, batch.scenario) == (app, server, scenario)
            for batch in self.batches
            if not batch.traced
        )

    def traced(self, app: str, server: str) -> bool:
        """Whether the trials in which exceptions are followed were finished."""
        return any(
            (batch.app, batch.server) == (app, server) for batch in self.batches if batch.traced
        )

    def end(self, *, keep_logs: bool = False) -> None:
        """Say that the run is finished and published; remove all that it kept.

        The servers' logs may be kept until the next run.
        """
        (self.directory / "plan.json").unlink()
        if not keep_logs:
            shutil.rmtree(self.directory)


def unfinished_plan(runs: Path) -> Path:
    """The plan of the run that was not finished, a file; raises UserError if there is none."""
    for path in sorted(runs.glob("*/plan.json")):
        return path
    raise UserError(
        f"There is no unfinished run in {runs}; `hangup run` starts one, and --results says which "
        "results to take up a run into."
    )


def _batches(path: Path) -> Iterator[Batch]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        with suppress(msgspec.DecodeError):  # a line that was being written when it was cut off
            yield msgspec.json.decode(line, type=Batch)
