"""The errors a user is shown: one sentence, an exit code, no traceback."""

import difflib
from collections.abc import Collection, Iterable, Sequence


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""

    exit_code = 2


class SubjectError(Exception):
    """The subject could not be brought to where its trials begin; a result, not a bug.

    `word` is what the trials' surfaces are said to have seen, the message says why.
    """

    def __init__(self, word: str, message: str) -> None:
        super().__init__(message)
        self.word = word


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Say that there is no such thing and which names are near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    if not near:
        return UserError(f"There is no {kind} {name!r}; `hangup list` shows what there is.")
    return UserError(
        f"There is no {kind} {name!r}; did you mean {' or '.join(near)}? "
        "`hangup list` shows what there is."
    )


def choose(kind: str, wanted: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The names that are wanted, or all; raises UserError for one there is not."""
    for name in wanted:
        if name not in known:
            raise unknown(kind, name, known)
    return tuple(name for name in known if not wanted or name in wanted)
