"""Latency against peers, kernels beside the machine, and programs that work."""
