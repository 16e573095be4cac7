"""Statements in, pages out: Markdown, diagrams and the text that commands print."""
