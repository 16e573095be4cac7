"""What a run is to do, as it is asked for and as it can be resumed."""

from __future__ import annotations

import msgspec

from hangup.model.scenario import Scenario


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """A Python that environments are made from."""

    path: str
    version: str
    """Full version, such as `CPython 3.13.0`."""

    @property
    def number(self) -> str:
        """The number only, such as `3.13.0`; without the `+` of a build from a repository."""
        return self.version.split()[-1].rstrip("+")

    @property
    def feature(self) -> str:
        """Feature version, such as `3.13`."""
        return ".".join(self.number.split(".")[:2])


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as it is asked for and as it can be resumed."""

    id: str
    date: str
    hangup: str
    """The version of hangup that began the run, which alone can resume it."""
    apps_directory: str
    """The directory of the user's own app files; empty if there is none."""
    stacks: tuple[tuple[str, str], ...]
    """The apps and the servers that run them, in order."""
    scenarios: tuple[str, ...]
    versions: str
    interpreter: Interpreter
    repeats: int
    latency: int
    """How many samples of the latency are taken of every stack; 0 for none."""
    window_s: float
    trace_exceptions: bool = False
    """Whether each scenario is run once more to follow its exceptions."""
    by_name: bool = False
    """Whether scenarios were named: what there is of the others is then kept."""
    whole: bool
    """Whether nothing was left out, so that older results are superseded altogether."""
    then: tuple[Plan, ...] = ()
    """What is run after it: under other version sets or Pythons."""

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps, each once."""
        return tuple(dict.fromkeys(app for app, _ in self.stacks))

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers, each once."""
        return tuple(dict.fromkeys(server for _, server in self.stacks))

    def repeats_of(self, scenario: Scenario) -> int:
        """How often a scenario is run.

        At most five times where each time needs a server of its own or there is much to try: five
        against five is the least that decides at 1 % whether two stacks differ. More often where
        it is a race. Recipes that are recommended have a number of samples, which is for five
        repeats of the others.
        """
        if scenario.alone:
            return max(1, scenario.samples * min(self.repeats, 5) // 5)
        costly = scenario.own_server or scenario.may_hang_server or scenario.kind == "recipe"
        return min(self.repeats, 5) if costly else self.repeats * scenario.repeat_factor
