"""What is said about disconnects and how far it is true: what the article says, and others."""

from __future__ import annotations

from hangup.analysis.claim_extent import Truth
from hangup.model import claims, scenarios
from hangup.report.claim_statements import ClaimStatements, by_speaker
from hangup.report.links import ARTICLE, CLAIMS
from hangup.report.pages.context import Context, Pages


def pages(context: Context) -> Pages:
    """A page for the article and one for all others."""
    statements = ClaimStatements(context.groups, context.verdicts)
    of_article = statements.of(claims.OF_ARTICLE)
    of_others = statements.of(claims.OF_OTHERS)
    data = {
        "version_sets": statements.version_sets,
        "Truth": Truth,
        "windows_s": _windows_s(context),
        "article": claims.ARTICLE,
        "article_app": claims.ARTICLE_APP,
        "article_server": claims.ARTICLE_SERVER,
    }
    return {
        ARTICLE: context.render(
            ARTICLE,
            "article.md.j2",
            this_page=ARTICLE,
            statements=of_article,
            counts_of=statements.counts(of_article, of_article=True),
            left_out=len(claims.OF_ARTICLE) - len(of_article),
            **data,
        ),
        CLAIMS: context.render(
            CLAIMS,
            "claims.md.j2",
            this_page=CLAIMS,
            statements=of_others,
            counts_of=statements.counts(of_others),
            speakers=by_speaker(of_others),
            left_out=len(claims.OF_OTHERS) - len(of_others),
            first_group=context.groups[0],
            in_first_group=statements.in_first_group(claims.CLAIMS),
            **data,
        ),
    }


def _windows_s(context: Context) -> list[str]:
    """The shortest and the longest window of the scenarios that claims are asked in."""
    asked = {name for claim in claims.CLAIMS for name in claim.scenarios}
    own = (scenarios.BY_ID[name].window_s for name in asked)
    windows_s = {result.window_s for result in context.results}
    windows_s |= {window_s for window_s in own if window_s is not None}
    return [f"{window_s:g}" for window_s in sorted({min(windows_s), max(windows_s)})]
