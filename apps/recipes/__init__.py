"""Recipes for clean-up: one file each, complete, with nothing of the harness in it.

A recipe is a function that is called as its file is: an asynchronous generator to give to the
framework in place of `source`. It yields
what `source` yields. `clean_up` is what must be awaited when the stream ends: closing an
upstream connection, publishing a message, returning a database session. The harness tries out
in which situations a recipe has it completed (`hangup.model.cleanup`).
"""
