"""Immutable data and the words for it: what is measured, and what comes of it. No I/O."""
