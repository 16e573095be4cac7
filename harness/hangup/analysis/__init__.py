"""What is concluded from traces. Pure: traces in, statements out; no files, no Markdown."""
