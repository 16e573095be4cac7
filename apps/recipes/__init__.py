"""Recipes for clean-up: one file each, complete, with nothing of the harness in it.

A recipe is a function that is called as its file is. Most are asynchronous generators to give
to the framework in place of `source`: they yield what `source` yields, and close it when they
end. `clean_up` is what must be awaited when the stream ends: closing an upstream connection,
publishing a message, returning a database session; where it fails, that is logged. The harness
tries out in which situations a recipe has it completed (`hangup.model.cleanup`).
"""
