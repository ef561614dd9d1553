"""Keystroke to answer: editing traces replayed in real time through the server, and through llama-server."""
