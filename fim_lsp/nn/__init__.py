"""The neural networks: our own lean forward passes. The only importer of torch."""
