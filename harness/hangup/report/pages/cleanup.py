"""The page on clean-up, and the code of all recipes where the results are not beside it."""

from __future__ import annotations

from hangup.model.cleanup import RECIPES, Kind
from hangup.report.cleanup_tables import CleanupTables
from hangup.report.footnotes import Footnotes
from hangup.report.pages.context import Context, Pages

PAGE = "cleanup.md"
CODE_PAGE = "cleanup-code.md"
_BEFORE: tuple[Kind, ...] = ("disconnect", "error")
_ALL: tuple[Kind, ...] = (*_BEFORE, "shutdown")


def pages(context: Context) -> Pages:
    """What to write, what not to rely on, and every recipe."""
    view = context.cleanup
    tables = [
        (
            group,
            CleanupTables(view, group.stacks),
            CleanupTables(view, group.with_variants),
        )
        for group in context.groups
        if view.ran(group.with_variants)
    ]
    # What is recommended for most stacks; all others are a link away.
    first = [
        best[0].recipe
        for _, baselines, every in tables
        for kinds in (_BEFORE, _ALL)
        if (best := (baselines if baselines.stacks else every).recommended(kinds))
    ]
    used = [recipe for recipe in RECIPES if recipe in first]
    data = {
        "tables": tables,
        "notes": Footnotes(),
        "questions": (("for clients that leave and errors", _BEFORE), ("for shutdowns too", _ALL)),
        "used": used,
        "code_page": "" if context.link_code or not view else CODE_PAGE,
    }
    found = {PAGE: context.render(PAGE, "cleanup.md.j2", **data)}
    if data["code_page"]:
        found[CODE_PAGE] = context.render(CODE_PAGE, "cleanup_code.md.j2")
    return found
