"""Recipes for clean-up: one file each, whole, with nothing of the harness in it.

A recipe is an async generator to give to the framework. It passes on what `source` yields, and
`clean_up` is what must then be done and awaited: an upstream stream closed, a message
published, a database session returned. Which of them get it done is what the harness tries out
(`hangup.model.cleanup` names the situations).
"""
