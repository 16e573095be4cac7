"""Traces in, statements out: pure, without files and without Markdown."""
