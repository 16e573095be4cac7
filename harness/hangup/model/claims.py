"""What is said about disconnects, as data: adding a claim is adding an entry.

Texts are in our own words; what is cited is where it is said. A claim is asked of every stack
that has the surfaces its condition reads, over every scenario it names; an app is never
exempted by name. Claims about a server's own promise name the module the server is run as.

What would refute a claim is part of the claim: write down both what confirms and what refutes
it (`hangup.model.conditions`), and leave undecided what is neither.
"""

from __future__ import annotations

from collections.abc import Callable

from hangup.model import scenarios as catalogue
from hangup.model.claim import Citation, Claim
from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Came,
    Either,
    Elapsed,
    Mark,
    Not,
    PathCondition,
    Pending,
    Saw,
    SendsAfter,
    SentAfter,
    SpecVersion,
    Status,
    When,
)
from hangup.model.scenario import ABORTING, Scenario
from hangup.model.scenarios import ERRORS_IN_STREAM
from hangup.model.vocabulary import FINALIZED, OPEN, Surface, Word

# ---------------------------------------------------------------------------- scenarios

# A claim is asked in every scenario that its sentence speaks of, and those are chosen by what
# they are: one that is added belongs to the claims that it is about.


def _those(chosen: Callable[[Scenario], bool]) -> tuple[str, ...]:
    return tuple(s.id for s in catalogue.SCENARIOS if chosen(s))


def _leaves(s: Scenario) -> bool:
    """The client is gone altogether, and nothing else happens to the server."""
    return s.kind in ("disconnect", "cleanup") and s.disconnect in ABORTING and not s.signal


def _leaves_a_stream(s: Scenario) -> bool:
    """The client leaves a stream that neither polls for that nor swallows its cancellation."""
    script = s.script
    ordinary = not script.polls and script.cleanup != "swallow"
    return _leaves(s) and script.endpoint == "go-on" and ordinary


def _gets_sigterm(s: Scenario) -> bool:
    """The server gets SIGTERM while a stream is open whose client stays."""
    sigterm = s.signal.startswith("sigterm")
    return s.kind == "operator" and sigterm and s.disconnect == "stays"


def _recipes_of(*functions: str) -> tuple[str, ...]:
    """The scenarios of the recipes that are made of one of these."""
    return _those(lambda s: not set(functions).isdisjoint(s.script.recipe.split("+")))


def _interrupted(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these scenarios in which the client leaves or the operator signals."""
    chosen = (catalogue.BY_ID[name] for name in names)
    return tuple(s.id for s in chosen if s.disconnect != "stays" or s.signal)


ABORTS = _those(lambda s: _leaves_a_stream(s) and s.path == "/events")
"""A client leaves, in whatever way, while an async generator streams."""
ALL_ABORTS = _those(_leaves_a_stream)
"""As `ABORTS`, plain generators included."""
POLLS = _those(lambda s: _leaves(s) and s.script.polls)
"""A client leaves while an async generator asks before each event whether it has."""
SWALLOWS = _those(lambda s: _leaves(s) and s.script.cleanup == "swallow")
"""A client leaves, and an async generator catches the cancellation and goes on."""
DISCONNECTS = _those(lambda s: _leaves(s) and s.script.cleanup != "swallow")
"""A client leaves, whatever was going on; streams that go on in spite of it are left out."""
STREAMS = _those(
    lambda s: s.kind != "recipe" and s.path != "/plain" and s.script.endpoint == "go-on"
)
"""There is a stream, whatever becomes of it."""
STALLED = _those(lambda s: s.kind == "disconnect" and _leaves(s) and s.precondition == "stalled")
"""The client has stopped reading before it leaves."""
FLOODS = _those(lambda s: _leaves_a_stream(s) and s.precondition == "flooded")
"""The client leaves a stream without end that never awaits anything of its own."""
SIGTERM = _those(_gets_sigterm)
"""The server gets SIGTERM while a stream is open whose client stays."""
ERRORS = tuple(
    name
    for name in ERRORS_IN_STREAM
    if catalogue.BY_ID[name].script.then != "raise-app-error"  # it has a handler of its own
)
"""An async generator raises what only the handler for `Exception` is registered for."""
LATE_ERRORS = tuple(name for name in ERRORS if catalogue.BY_ID[name].script.events)
"""It does so after some events."""

# ---------------------------------------------------------------------------- conditions

CANCELLED = "CancelledError"
_ENDS = frozenset(
    {
        Word.CANCELLED_AT_AWAIT,
        Word.CANCELLED_AT_YIELD,
        Word.CLOSED_AT_AWAIT,
        Word.CLOSED_AT_YIELD,
        *FINALIZED,
        Word.RAISED,
        Word.COMPLETED,
        Word.SWALLOWED,
        Word.SUSPENDED,
        Word.SUSPENDED_OR_RUNNING,
        Word.STILL_RUNNING,
    }
)
"""How a stream that was open when its client left may be found at the end of the window."""
_GOES_ON = frozenset({Word.COMPLETED, Word.SWALLOWED, Word.STILL_RUNNING})


def _saw(surface: str, yes: set[str] | frozenset[str], no: set[str] | frozenset[str]) -> Saw:
    return Saw(surface, frozenset(map(str, yes)), frozenset(map(str, no)))


def _ends(yes: set[str] | frozenset[str]) -> Saw:
    """The stream ended so, and in no other way."""
    return _saw(Surface.STREAM_END, yes, _ENDS - yes)


_STREAM_NOTIFIED = _saw(Surface.STREAM, {CANCELLED}, {Word.NOTHING, *FINALIZED, "GeneratorExit"})
_EXITED = frozenset({Word.EXITED, Word.EXITED_WITH_ERROR})
_DONE: frozenset[str] = frozenset({Word.FINISHED, Word.FINISHED_AFTER_APP})
_CLEANED_UP = _saw(Surface.CLEANUP, _DONE, {AN_EXCEPTION, Word.DID_NOT_RUN, Word.STILL_RUNNING})
_CUT_SHORT = _saw(Surface.CLEANUP, {CANCELLED}, _DONE)
_FAILED = _saw(Surface.STREAM_END, {Word.RAISED}, set())
_ANSWERED = _saw(Surface.LIVENESS, {Word.ANSWERED}, {Word.NO_ANSWER})
"""A process that does nothing else any more calls no handler and logs nothing either."""
_HANDLER_SILENT = _saw(Surface.HANDLER, {Word.NOTHING}, {AN_EXCEPTION})
_BEGUN = Mark(Surface.STREAM, "begin")
_ENDED = Mark(Surface.STREAM, "end")
_DISCONNECT_RECEIVED = Mark(Surface.RECEIVE, "end", saw=Word.DISCONNECT)
_RECEIVE_CANCELLED = Mark(Surface.RECEIVE, "end", saw=CANCELLED)
_RETURNED = Mark(Surface.ASGI, "end")
_CODE_AFTER = Mark(Surface.CLEANUP, "did", detail="the code after its await")
_AWAIT_CANCELLED = Mark(Surface.CLEANUP, "did", detail="its await, which raises CancelledError")
"""What a stream that awaits its clean-up comes to (`apps.common.cleanup`)."""
_CLEANUP_BEGUN = Came(Mark(Surface.CLEANUP, "begin"))
_BLOCK_REACHED = Either((_STREAM_NOTIFIED, Came(Mark(Surface.CLEANUP, "saw", saw=CANCELLED))))
"""`CancelledError` brought the stream to its clean-up; of recipes, whose streams have no probe,
the clean-up itself reports what it was called on account of."""
_RAISES_BY_SPEC = SpecVersion("2.4")
"""The version of the ASGI specification that has `send()` raise after a disconnect."""
_HANDLER_CALLED = _saw(Surface.HANDLER, {AN_EXCEPTION}, {Word.NOTHING})
_RESPONSE_LOST = All((Status("200"), Not(SentAfter(Mark(Surface.HANDLER, "saw")))))
"""Neither the status nor anything else of what a handler answers has reached the client."""
_AT_ONCE_S = 1.0
"""What comes later after SIGTERM is the end of a grace period."""
_STREAM_LASTED = Elapsed(_ENDED, _AT_ONCE_S)

# ---------------------------------------------------------------------------- sources

ARTICLE = Citation("the article (FastAPI 0.115.14, uvicorn 0.34.3, Python 3.11)")
ARTICLE_VERSIONS = "article"
"""The version set with the releases that the article names, and what there was beside them."""
ARTICLE_APP = "fastapi-langgraph"
"""The app that is built as the article's is."""
ARTICLE_SERVER = "uvicorn"
"""The server that the article runs it on."""

PROJECTS = {
    "Kludex/starlette": "Starlette",
    "fastapi/fastapi": "FastAPI",
    "sysid/sse-starlette": "sse-starlette",
    "litestar-org/litestar": "Litestar",
    "pallets/quart": "Quart",
    "Kludex/uvicorn": "uvicorn",
    "pgjones/hypercorn": "Hypercorn",
    "django/asgiref": "the ASGI specification",
    "agronholm/anyio": "AnyIO",
    "python/cpython": "Python",
}
"""The projects that claims are about, by repository: frameworks, servers, what they stand on."""


def _issue(repository: str, number: int, kind: str = "issues") -> Citation:
    url = f"https://github.com/{repository}/{kind}/{number}"
    return Citation(f"{repository}#{number}", url, PROJECTS.get(repository, ""))


def _pull(repository: str, number: int) -> Citation:
    return _issue(repository, number, "pull")


def _docs(title: str, repository: str, path: str) -> Citation:
    url = f"https://github.com/{repository}/blob/{path}"
    return Citation(title, url, PROJECTS.get(repository, ""))


def _site(title: str, url: str, repository: str) -> Citation:
    """Documentation that is read on a site of its own."""
    return Citation(title, url, PROJECTS[repository])


ANYIO = _docs("AnyIO, Cancellation", "agronholm/anyio", "master/docs/cancellation.rst")
DISCONNECTED_CLIENT = _docs(
    "ASGI, HTTP, Disconnected client", "django/asgiref", "main/specs/www.rst"
)
SSE_STARLETTE = _docs("sse-starlette, README", "sysid/sse-starlette", "main/README.md")
SSE_ARCHITECTURE = _docs(
    "sse-starlette, Architecture", "sysid/sse-starlette", "main/ARCHITECTURE.md"
)
SHIELDING = _site(
    "Python, Shielding from cancellation",
    "https://docs.python.org/3/library/asyncio-task.html#shielding-from-cancellation",
    "python/cpython",
)
CLOSING = _docs("Hypercorn, Closing", "pgjones/hypercorn", "main/docs/discussion/closing.rst")
FINALIZATION = _pull("python/cpython", 141885)

# ---------------------------------------------------------------------------- claims

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="cancelled-at-an-await",
        number=1,
        text="When the client leaves in the middle of a stream, `CancelledError` is raised in the "
        "async generator, at its `await`.",
        cited=(ARTICLE, _issue("Kludex/starlette", 20), SSE_ARCHITECTURE),
        scenarios=ABORTS,
        condition=_ends({Word.CANCELLED_AT_AWAIT}),
    ),
    Claim(
        id="handler-is-not-called",
        number=2,
        text="The handler for `Exception` is not called when the client leaves.",
        cited=(
            ARTICLE,
            _site(
                "Python, Exceptions of asyncio",
                "https://docs.python.org/3/library/asyncio-exceptions.html",
                "python/cpython",
            ),
        ),
        scenarios=DISCONNECTS,
        condition=When(_ANSWERED, _HANDLER_SILENT),
    ),
    Claim(
        id="endpoint-is-over-first",
        number=3,
        text="The endpoint has returned before its stream is begun.",
        cited=(ARTICLE,),
        scenarios=STREAMS,
        condition=All(
            (
                _saw(
                    Surface.ENDPOINT,
                    {Word.FINISHED, Word.ALREADY_FINISHED},
                    {AN_EXCEPTION, Word.SUSPENDED, Word.STILL_RUNNING, *FINALIZED},
                ),
                Before(Mark(Surface.ENDPOINT, "end"), _BEGUN),
            )
        ),
    ),
    Claim(
        id="listens-while-it-sends",
        number=4,
        text="While a stream is sent, something listens for the disconnect.",
        cited=(ARTICLE,),
        scenarios=ALL_ABORTS,
        condition=Pending(Surface.RECEIVE, Mark(Surface.CLIENT, "leaves")),
    ),
    Claim(
        id="hearing-it-ends-the-sending",
        number=4,
        text="When `receive()` returns the disconnect before the stream has ended, the sending "
        "is ended.",
        cited=(ARTICLE,),
        scenarios=ALL_ABORTS,
        condition=When(
            All(
                (
                    _saw(Surface.RECEIVE, {Word.DISCONNECT}, set()),
                    Either(
                        (
                            Before(_DISCONNECT_RECEIVED, _ENDED),
                            _saw(Surface.STREAM_END, OPEN | {Word.GARBAGE_COLLECTED}, set()),
                        )
                    ),
                )
            ),
            All(
                (
                    _saw(Surface.STREAM_END, _ENDS - _GOES_ON, _GOES_ON),
                    _saw(Surface.ASGI, {Word.FINISHED, AN_EXCEPTION}, {Word.STILL_RUNNING}),
                )
            ),
        ),
    ),
    Claim(
        id="normal-end-cancels-the-listening",
        number=4,
        text="A stream that ends by itself cancels the listening: the `receive()` that is "
        "under way is cancelled, before the app returns.",
        cited=(ARTICLE,),
        scenarios=_those(
            lambda s: s.kind == "control" and s.id in STREAMS and s.id not in ERRORS_IN_STREAM
        ),
        # Servers also send the disconnect when the response is over. What then becomes of who
        # was listening is not seen.
        condition=When(
            All(
                (
                    Pending(Surface.RECEIVE, _ENDED),
                    _saw(Surface.RECEIVE, {CANCELLED, Word.NOTHING}, set()),
                )
            ),
            All(
                (
                    _saw(Surface.RECEIVE, {CANCELLED}, {Word.NOTHING}),
                    Before(_ENDED, _RECEIVE_CANCELLED),
                    Before(_RECEIVE_CANCELLED, _RETURNED),
                )
            ),
        ),
    ),
    Claim(
        id="another-task-cancels-it",
        number=4,
        text="A stream whose client leaves is cancelled by another task than the one it runs in.",
        cited=(ARTICLE,),
        scenarios=ABORTS,
        condition=PathCondition("cancelled-by-another-task"),
    ),
    Claim(
        id="status-is-out-first",
        number=5,
        text="The server has been given the status line before the generator can raise.",
        cited=(ARTICLE,),
        scenarios=ERRORS_IN_STREAM,
        condition=When(
            _FAILED, Before(Mark(Surface.SEND, "begin", detail="http.response.start"), _ENDED)
        ),
    ),
    Claim(
        id="status-stays",
        number=5,
        text="An error in the generator no longer changes the status: the client gets 200.",
        cited=(ARTICLE,),
        scenarios=ERRORS_IN_STREAM,
        condition=When(_FAILED, Status("200")),
    ),
    Claim(
        id="catching-it-detects-the-disconnect",
        number=6,
        text="A generator that catches `CancelledError` learns of the disconnect.",
        cited=(ARTICLE, _issue("Kludex/starlette", 20)),
        scenarios=(*ABORTS, *SWALLOWS),
        condition=_STREAM_NOTIFIED,
    ),
    Claim(
        id="await-is-cancelled-again",
        number=7,
        text="A plain `await` in the block that caught `CancelledError` is cancelled again.",
        cited=(ARTICLE, ANYIO, _pull("aegra/aegra", 531)),
        scenarios=("cleanup-await", *SWALLOWS, *_interrupted(_recipes_of("except_cancelled"))),
        condition=When(_BLOCK_REACHED, _CUT_SHORT),
    ),
    Claim(
        id="new-task-runs",
        number=8,
        text="A task of its own that a block reached by `CancelledError` gives to the loop does "
        "run to its end.",
        cited=(ARTICLE,),
        scenarios=(
            "cleanup-threadsafe",
            "cleanup-task",
            *_interrupted(_recipes_of("detached_task", "waited_task", "lifespan_task")),
        ),
        condition=When(_BLOCK_REACHED, _CLEANED_UP),
    ),
    Claim(
        id="handler-misses-stream-errors",
        number=9,
        text="The handler for `Exception` is not called when the generator raises.",
        cited=(ARTICLE,),
        disputed_by=(
            _docs("Starlette, Exceptions", "Kludex/starlette", "main/docs/exceptions.md"),
        ),
        scenarios=ERRORS,
        condition=When(_FAILED, _HANDLER_SILENT),
    ),
    Claim(
        id="handler-cannot-answer",
        number=9,
        text="Where the handler is called for an error in the generator, nothing of its response, "
        "neither status nor body, reaches the client.",
        cited=(ARTICLE,),
        scenarios=ERRORS,
        condition=When(All((_FAILED, _HANDLER_CALLED)), _RESPONSE_LOST),
    ),
    Claim(
        id="iterated-outside-of-handling",
        number=9,
        text="The reason is that the generator is iterated outside of what handles exceptions.",
        cited=(ARTICLE,),
        scenarios=ERRORS,
        condition=PathCondition("passes-no-handler"),
    ),
    Claim(
        id="handled-inside-or-nowhere",
        number=10,
        text="What the generator does not handle itself cannot be handled outside of it: it "
        "leaves the app, and the client gets no error response.",
        cited=(ARTICLE,),
        scenarios=ERRORS_IN_STREAM,
        condition=When(
            _FAILED,
            All((_saw(Surface.ASGI, {AN_EXCEPTION}, {Word.FINISHED}), Status("200"))),
        ),
    ),
    # ---------------------------------------------------------- what others say: the stream
    Claim(
        id="finally-always-runs",
        text="`finally` in an async generator always runs once the client has gone, and does "
        "not wait for the garbage collector.",
        cited=(_issue("Kludex/starlette", 20),),
        disputed_by=(FINALIZATION, _pull("connectrpc/connect-py", 175)),
        scenarios=(*ABORTS, *POLLS, *SWALLOWS),
        # One that had nothing more to yield ran its `finally` on account of that.
        condition=_saw(
            Surface.STREAM_END,
            (_ENDS - OPEN - {Word.GARBAGE_COLLECTED, Word.COMPLETED}) | {Word.ENDED_ITSELF},
            OPEN | {Word.GARBAGE_COLLECTED},
        ),
    ),
    Claim(
        id="generator-exit-is-no-disconnect",
        text="A hang-up shows as `CancelledError` and never as `GeneratorExit`.",
        cited=(_issue("sysid/sse-starlette", 33),),
        scenarios=ABORTS,
        condition=_saw(Surface.STREAM, {CANCELLED}, {"GeneratorExit"}),
    ),
    Claim(
        id="left-at-a-yield-until-collected",
        text="A generator that is given up at a `yield` is not closed until it is "
        "garbage-collected.",
        cited=(FINALIZATION, _pull("connectrpc/connect-py", 175)),
        disputed_by=(_docs("Quart, Changelog (0.13.1)", "pallets/quart", "main/CHANGES.md"),),
        # One that waits is at an `await`.
        scenarios=tuple(
            name for name in (*ABORTS, *POLLS) if catalogue.BY_ID[name].precondition != "waiting"
        ),
        condition=_saw(
            Surface.STREAM_END,
            {Word.GARBAGE_COLLECTED},
            {Word.CLOSED_AT_YIELD, Word.CANCELLED_AT_YIELD, Word.REFERENCE_DROPPED},
        ),
    ),
    Claim(
        id="nested-source-is-not-closed",
        text="Cancelling a generator does not close the generator it reads from with `async for`.",
        cited=(FINALIZATION, _pull("simonw/llm", 1659)),
        scenarios=_those(lambda s: _leaves_a_stream(s) and s.script.holds_last),
        condition=When(
            _STREAM_NOTIFIED,
            _saw(
                Surface.SOURCE,
                # It is not the cancellation that closes one whose last reference has gone.
                {*FINALIZED, Word.SUSPENDED},
                {AN_EXCEPTION, Word.FINISHED},
            ),
        ),
    ),
    Claim(
        id="sync-generators-are-not-closed",
        text="A plain generator is not closed when the client leaves: it runs on, or is left "
        "until it is garbage-collected.",
        cited=(_pull("litestar-org/litestar", 4394), _pull("lsst/daf_butler", 1023)),
        scenarios=_those(lambda s: _leaves(s) and s.path == "/sync-events"),
        condition=_saw(
            Surface.STREAM_END,
            {Word.GARBAGE_COLLECTED, Word.COMPLETED, *OPEN},
            {
                Word.CLOSED_AT_YIELD,
                Word.CLOSED_AT_AWAIT,
                Word.CANCELLED_AT_YIELD,
                Word.RAISED,
                Word.REFERENCE_DROPPED,
            },
        ),
    ),
    Claim(
        id="no-await-starves-the-loop",
        text="An async generator without end that never awaits anything keeps running after the "
        "client has left, and nothing else on the server is run.",
        cited=(
            _pull("fastapi/fastapi", 14681),
            _issue("Kludex/starlette", 1775),
            _issue("fastapi/fastapi", 5183),
        ),
        scenarios=FLOODS,
        condition=All(
            (
                _saw(Surface.LIVENESS, {Word.NO_ANSWER}, {Word.ANSWERED}),
                Either(
                    (
                        _saw(Surface.STREAM_END, {Word.STILL_RUNNING}, set()),
                        _saw(Surface.SOURCE, {Word.STILL_RUNNING}, set()),
                    )
                ),
            )
        ),
    ),
    Claim(
        id="swallowing-keeps-it-alive",
        text="A generator that catches the cancellation and goes on keeps running.",
        cited=(
            _site(
                "Python, Task cancellation",
                "https://docs.python.org/3/library/asyncio-task.html",
                "python/cpython",
            ),
            _issue("sysid/sse-starlette", 40),
        ),
        disputed_by=(ANYIO,),
        scenarios=SWALLOWS,
        condition=When(_STREAM_NOTIFIED, _ends({Word.SWALLOWED, Word.STILL_RUNNING})),
    ),
    # ---------------------------------------------------------- what is notified
    Claim(
        id="is-disconnected-tells",
        text="A stream that asks `request.is_disconnected()` before each event learns of the "
        "disconnect by the answer, before anything else ends it.",
        cited=(
            _docs("Starlette, Requests", "Kludex/starlette", "main/docs/requests.md"),
            SSE_STARLETTE,
        ),
        disputed_by=(
            _issue("sysid/sse-starlette", 28),
            _pull("sysid/sse-starlette", 11),
            _issue("brockamer/findajob", 743),
        ),
        scenarios=POLLS,
        condition=_saw(Surface.IS_DISCONNECTED, {Word.RETURNED_TRUE}, {Word.NEVER_TRUE}),
    ),
    Claim(
        id="asking-does-no-harm",
        text="A stream that asks `request.is_disconnected()` is ended when the client leaves, by "
        "the answer or otherwise.",
        cited=(SSE_STARLETTE,),
        scenarios=POLLS,
        condition=_saw(
            Surface.STREAM_END,
            {Word.ENDED_ITSELF, *(_ENDS - OPEN - _GOES_ON - {Word.GARBAGE_COLLECTED})},
            {Word.GARBAGE_COLLECTED, *OPEN, *_GOES_ON},
        ),
    ),
    Claim(
        id="not-told-before-the-response",
        text="An endpoint that has not answered yet is not notified that the client has left.",
        cited=(_pull("1rgs/claude-code-proxy", 114), _pull("litestar-org/litestar", 3984)),
        disputed_by=(
            _docs(
                "Quart, Detecting disconnection",
                "pallets/quart",
                "main/docs/how_to_guides/disconnections.rst",
            ),
        ),
        scenarios=_those(lambda s: _leaves(s) and s.script.endpoint == "wait"),
        condition=_saw(Surface.ENDPOINT, {Word.STILL_RUNNING}, {AN_EXCEPTION}),
    ),
    Claim(
        id="send-raises-from-spec-2.4",
        text="On a server that declares ASGI spec version 2.4 or later, `send()` raises once the "
        "client has gone.",
        cited=(
            DISCONNECTED_CLIENT,
            _pull("django/asgiref", 431),
            _pull("Kludex/starlette", 2732),
        ),
        scenarios=ALL_ABORTS,
        condition=When(_RAISES_BY_SPEC, SendsAfter()),
    ),
    Claim(
        id="send-returns-before-spec-2.4",
        text="On a server that declares an older ASGI spec version than 2.4, `send()` returns as "
        "if nothing had happened once the client has gone.",
        cited=(
            DISCONNECTED_CLIENT,
            CLOSING,
            _docs(
                "uvicorn, Release notes (0.28.1)", "Kludex/uvicorn", "main/docs/release-notes.md"
            ),
        ),
        scenarios=ALL_ABORTS,
        condition=When(Not(_RAISES_BY_SPEC), SendsAfter(returns=True)),
    ),
    Claim(
        id="send-does-not-hang",
        text="A `send()` that is held up by a client that does not read is ended when the "
        "client closes, and others are served meanwhile.",
        cited=(
            _docs(
                "Hypercorn, Backpressure",
                "pgjones/hypercorn",
                "main/docs/discussion/backpressure.rst",
            ),
            _docs("uvicorn, Server behavior", "Kludex/uvicorn", "main/docs/server-behavior.md"),
        ),
        scenarios=STALLED,
        # One that the app has cancelled itself was not let go by the server.
        condition=When(
            All(
                (
                    Pending(Surface.SEND, Mark(Surface.CLIENT, "leaves")),
                    _saw(
                        Surface.SEND,
                        {Word.RETURNED, Word.NOT_CALLED, Word.SEND_SUSPENDED, AN_EXCEPTION},
                        {CANCELLED},
                    ),
                )
            ),
            All(
                (
                    _saw(
                        Surface.SEND,
                        {Word.RETURNED, Word.NOT_CALLED, AN_EXCEPTION},
                        {Word.SEND_SUSPENDED},
                    ),
                    _ANSWERED,
                )
            ),
        ),
    ),
    Claim(
        id="half-close-is-served",
        text="A client that closes only its sending side is not taken for gone: its stream "
        "stays open.",
        cited=(CLOSING,),
        scenarios=_those(lambda s: s.disconnect == "half-closes"),
        condition=_ends(OPEN),
    ),
    Claim(
        id="close-handler-is-called",
        text="The response's own handler for a client that closes is called.",
        cited=(
            _docs("sse-starlette, sse.py", "sysid/sse-starlette", "main/sse_starlette/sse.py"),
            _issue("sysid/sse-starlette", 126),
        ),
        scenarios=(*ALL_ABORTS, *POLLS, *SWALLOWS),
        condition=_saw("hook:client_close_handler", {Word.CALLED}, {Word.NOTHING}),
    ),
    Claim(
        id="no-error-is-logged",
        text="No error is logged because a client leaves.",
        cited=(DISCONNECTED_CLIENT,),
        scenarios=DISCONNECTS,
        condition=When(
            _ANSWERED,
            _saw(Surface.SERVER_LOG, {Word.NOTHING}, {AN_EXCEPTION, Word.ERROR_LINE}),
        ),
    ),
    # ---------------------------------------------------------- clean-up
    Claim(
        id="anyio-shield-finishes",
        text="Clean-up that is begun in a shielded AnyIO cancel scope gets to its end.",
        cited=(ANYIO,),
        scenarios=(
            *_those(lambda s: s.script.cleanup == "anyio-shield"),
            *_recipes_of("anyio_shield", "aclosing_source", "checkpoint", "dependency"),
        ),
        condition=When(_CLEANUP_BEGUN, _CLEANED_UP),
    ),
    Claim(
        id="asyncio-shield-finishes-the-work",
        text="What a generator that was cancelled puts behind `asyncio.shield` runs to its end.",
        cited=(SHIELDING, _pull("Continuum-AI-Corp/OrcaRouter-Lite", 22)),
        disputed_by=(_issue("agno-agi/agno", 7318),),
        scenarios=("cleanup-asyncio-shield",),
        condition=When(_STREAM_NOTIFIED, _CLEANED_UP),
    ),
    Claim(
        id="asyncio-shield-loses-what-comes-after",
        text="The `await` of `asyncio.shield` is cancelled all the same: the code after it does "
        "not run.",
        cited=(_issue("agno-agi/agno", 7318), SHIELDING),
        scenarios=("cleanup-asyncio-shield",),
        condition=When(_STREAM_NOTIFIED, Came(_AWAIT_CANCELLED, _CODE_AFTER)),
    ),
    Claim(
        id="dependency-outlives-the-stream",
        text="A dependency with `yield` stays open until the stream has ended.",
        cited=(
            _site(
                "FastAPI, Dependencies with yield",
                "https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/",
                "fastapi/fastapi",
            ),
            _pull("fastapi/fastapi", 14099),
        ),
        scenarios=STREAMS,
        condition=Before(_ENDED, Mark(Surface.DEPENDENCY, "end")),
    ),
    Claim(
        id="dependency-ends-before-the-stream",
        text="A dependency with `yield` is cleaned up before the stream begins.",
        cited=(
            _docs(
                "Litestar, Dependency injection",
                "litestar-org/litestar",
                "main/docs/usage/dependency-injection.rst",
            ),
            _issue("litestar-org/litestar", 3842),
            _issue("litestar-org/litestar", 2958),
        ),
        scenarios=STREAMS,
        condition=Before(Mark(Surface.DEPENDENCY, "end"), _BEGUN),
    ),
    Claim(
        id="background-runs-after-an-abort",
        text="A response's background task runs also when the client went in the middle of the "
        "stream.",
        cited=(_pull("Oaklight/zerodep", 133),),
        disputed_by=(_pull("lsst/daf_butler", 1407), _issue("Kludex/starlette", 1438)),
        scenarios=(*ALL_ABORTS, *POLLS, *SWALLOWS),
        condition=_saw(Surface.BACKGROUND, {Word.FINISHED}, {Word.DID_NOT_RUN, AN_EXCEPTION}),
    ),
    Claim(
        id="background-skipped-after-an-error",
        text="A response's background task does not run when its stream raises.",
        cited=(_issue("Kludex/starlette", 1152),),
        scenarios=ERRORS_IN_STREAM,
        condition=When(_FAILED, _saw(Surface.BACKGROUND, {Word.DID_NOT_RUN}, {Word.FINISHED})),
    ),
    # ---------------------------------------------------------- errors after the start
    Claim(
        id="late-handler-runs-in-vain",
        text="When a stream fails after some events, the handler for `Exception` is called and "
        "its response is thrown away.",
        cited=(_docs("Starlette, Exceptions", "Kludex/starlette", "main/docs/exceptions.md"),),
        scenarios=LATE_ERRORS,
        condition=When(_FAILED, All((_HANDLER_CALLED, _RESPONSE_LOST))),
    ),
    Claim(
        id="typed-handler-is-passed-over",
        text="An exception that has a handler of its own is not given to it once the stream "
        "has begun.",
        cited=(_issue("vllm-project/vllm", 22341), _pull("litestar-org/litestar", 3479)),
        scenarios=("app-error-mid-stream",),
        condition=When(_FAILED, _saw(Surface.HANDLER_APP_ERROR, {Word.NOTHING}, {AN_EXCEPTION})),
    ),
    Claim(
        id="early-error-is-still-200",
        text="An exception before the first event gives a 200 with an empty stream, no error "
        "response.",
        cited=(_pull("fastapi/fastapi", 15917), _issue("sysid/sse-starlette", 139)),
        scenarios=("error-before-first-event",),
        condition=When(_FAILED, Status("200")),
    ),
    # ---------------------------------------------------------- shutdown
    Claim(
        id="shutdown-waits-for-the-stream",
        text="While a stream is open, the server does not stop on SIGTERM.",
        cited=(_issue("Kludex/uvicorn", 451), _pull("Kludex/uvicorn", 2913)),
        scenarios=SIGTERM,
        # A stream that is over, by whomever it was ended, is waited for no more.
        condition=When(
            _saw(Surface.STREAM_END, OPEN, _ENDS - OPEN),
            _saw(Surface.EXIT, {Word.STILL_RUNNING}, _EXITED),
        ),
    ),
    Claim(
        id="shutdown-cancels-the-stream",
        text="An open stream is cancelled when the server gets SIGTERM, within a second.",
        cited=(SSE_STARLETTE, SSE_ARCHITECTURE),
        disputed_by=(_issue("sysid/sse-starlette", 124),),
        scenarios=SIGTERM,
        condition=All(
            (_ends({Word.CANCELLED_AT_AWAIT, Word.CANCELLED_AT_YIELD}), Not(_STREAM_LASTED))
        ),
    ),
    Claim(
        id="graceful-timeout-ends-it",
        text="The server waits a second or more for open requests after SIGTERM, then it ends.",
        cited=(
            _docs(
                "Hypercorn, Configuring",
                "pgjones/hypercorn",
                "main/docs/how_to_guides/configuring.rst",
            ),
        ),
        disputed_by=(_issue("pgjones/hypercorn", 308),),
        scenarios=SIGTERM,
        module="hypercorn",
        # A stream that is over at once, by whomever it was ended, is not waited for.
        condition=When(
            Either((_STREAM_LASTED, _saw(Surface.STREAM_END, OPEN, _ENDS - OPEN))),
            All(
                (
                    _saw(Surface.EXIT, _EXITED, {Word.STILL_RUNNING}),
                    Elapsed(Mark(Surface.EXIT, "saw"), _AT_ONCE_S),
                )
            ),
        ),
    ),
)

BY_ID = {claim.id: claim for claim in CLAIMS}
OF_ARTICLE = tuple(claim for claim in CLAIMS if ARTICLE in claim.cited)
"""What the article says, in its order."""
OF_OTHERS = tuple(claim for claim in CLAIMS if ARTICLE not in claim.cited)
"""What only others say."""
