"""Variants of apps: one file each, which changes exactly one thing of an app.

A file says in its header what it adds to an app's title, dependencies and surfaces, and defines
`vary(module)`, which is given the app's module and returns the app to serve. It is imported
before the app. An app's header names the variants it has, as `FRAMEWORK/NAME` or as `NAME` for
what is the same in all frameworks; its id is then `APP+NAME`.
"""
