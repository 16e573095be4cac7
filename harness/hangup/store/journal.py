"""What a run has finished, kept as it goes, so that it can be resumed.

`RESULTS/.hangup/runs/<id>/plan.json` and `journal.jsonl`: a finished batch of trials a line. A run
that is interrupted loses the batches under way and, at the worst, one half-written line.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

import hangup
from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.plan import Plan
from hangup.model.trace import Latency, Trial

_PLAN = "plan.json"
_BATCHES = "journal.jsonl"


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is finished of one stack: all trials of a scenario, all traced ones, or the latency.

    The fields are those of `StackResult`, which batches are assembled into.
    """

    app: str
    server: str
    scenario: str | None = None
    """The scenario of the trials; None for traced ones, which are of all scenarios."""
    sample: bool = False
    """Whether it holds further trials of a scenario that was run, each by itself."""
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
        """Make the directory of a run that is being prepared.

        Until it starts it cannot be resumed, and what an earlier one has left is kept.
        """
        directory = runs / plan.id
        directory.mkdir(parents=True)
        return cls(directory, plan)

    @classmethod
    def resume(cls, runs: Path) -> Journal:
        """Go on with the run that was not finished; raises UserError if there is none."""
        path = unfinished_plan(runs)
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise UserError(
                f"{path} is damaged or of another hangup; start anew with `hangup run`."
            ) from None
        if plan.hangup != hangup.__version__:
            raise UserError(
                f"The unfinished run in {path.parent} was begun by hangup {plan.hangup}, and this "
                f"is {hangup.__version__}: finish it with that one, or start anew with "
                "`hangup run`."
            )
        batches = path.with_name(_BATCHES)
        finished = tuple(_read(batches))
        # The last line may have been cut off; the next one must not be appended to it.
        write_whole(batches, b"".join(map(_line, finished)))
        return cls(path.parent, plan, finished)

    def start(self) -> None:
        """Say that trials are run from now on: the run can be resumed, and earlier ones cannot."""
        for other in self.directory.parent.iterdir():
            if other != self.directory:
                shutil.rmtree(other, ignore_errors=True)
        self._write_plan()

    @property
    def started(self) -> bool:
        """Whether it can be resumed."""
        return (self.directory / _PLAN).exists()

    def abandon(self) -> None:
        """Remove the directory of a run that has not started."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def keep(self, batch: Batch) -> None:
        """Write down that a batch is finished."""
        with (self.directory / _BATCHES).open("ab") as journal:
            journal.write(_line(batch))
        self.batches.append(batch)

    @property
    def trial_count(self) -> int:
        """How many trials are finished, those in which exceptions were traced included."""
        return sum(len(batch.trials) + len(batch.traced) for batch in self.batches)

    @property
    def sample_count(self) -> int:
        """How many trials were added to those that were planned, because of what came out."""
        return sum(len(batch.trials) for batch in self.batches if batch.sample)

    def has_trials(self, app: str, server: str, scenario: str) -> bool:
        """Whether the trials of this scenario are finished."""
        return any(batch.scenario == scenario for batch in self._of(app, server))

    def has_sample(self, app: str, server: str, scenario: str) -> bool:
        """Whether the further trials of this scenario, each by itself, are finished."""
        return any(b.sample and b.scenario == scenario for b in self._of(app, server))

    def has_traced(self, app: str, server: str) -> bool:
        """Whether the trials in which exceptions are traced are finished."""
        return any(batch.traced for batch in self._of(app, server))

    def has_latency(self, app: str, server: str) -> bool:
        """Whether the latency was measured."""
        return any(batch.latency is not None for batch in self._of(app, server))

    def end(self, *, keep_logs: bool = False) -> Journal | None:
        """Say that the run is finished and published; remove all that it kept.

        The servers' logs may be kept until the next run. Returns the journal of the plan that
        follows, if one does; that can be resumed from now on.
        """
        following = self._begin_following()
        (self.directory / _PLAN).unlink()
        if not keep_logs:
            shutil.rmtree(self.directory)
        return following

    def _begin_following(self) -> Journal | None:
        if not self.plan.then:
            return None
        plan, *rest = self.plan.then
        plan = msgspec.structs.replace(plan, then=tuple(rest))
        following = Journal.begin(self.directory.parent, plan)
        following._write_plan()
        return following

    def _write_plan(self) -> None:
        write_whole(self.directory / _PLAN, msgspec.json.encode(self.plan))

    def _of(self, app: str, server: str) -> Iterator[Batch]:
        return (batch for batch in self.batches if (batch.app, batch.server) == (app, server))


def unfinished_trial_count(runs: Path) -> int | None:
    """How many trials an unfinished run holds; None if there is none.

    Of a run that this hangup cannot resume it is what can be read.
    """
    for path in sorted(runs.glob(f"*/{_PLAN}")):
        batches = _read(path.with_name(_BATCHES))
        return sum(len(batch.trials) + len(batch.traced) for batch in batches)
    return None


def unfinished_plan(runs: Path) -> Path:
    """The plan of the run that was not finished, a file; raises UserError if there is none."""
    for path in sorted(runs.glob(f"*/{_PLAN}")):
        return path
    raise UserError(
        f"There is no unfinished run in {runs}; `hangup run` starts one, and --results says which "
        "results to take up a run into."
    )


def _line(batch: Batch) -> bytes:
    return msgspec.json.encode(batch) + b"\n"


def _read(path: Path) -> Iterator[Batch]:
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        # A line that was being written when the run was cut off.
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            yield msgspec.json.decode(line, type=Batch)
