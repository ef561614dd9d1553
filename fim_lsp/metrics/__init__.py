"""What was shown, taken and kept, on this machine alone: counts, lengths and times; no source text, no paths."""
