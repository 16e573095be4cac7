"""`python -m harness` is `hangup`."""

from harness.cli import main

main()
