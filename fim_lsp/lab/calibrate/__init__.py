"""Fit the router's tables and the shown confidence on holes, and measure them."""
