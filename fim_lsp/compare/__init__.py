"""Measure: quality on recorded holes, latency, and the report."""
