"""What is on disk: the journal of a run, traces, tables."""
