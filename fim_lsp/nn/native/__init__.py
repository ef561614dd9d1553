"""The layers in C: kernels.c the arithmetic, engine.c the order of it, layers.py the way in."""
