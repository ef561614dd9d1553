"""The settings that an editor's plugin reads for itself; the server lets them pass."""

from __future__ import annotations

from fim_lsp.kinds import TEXT, Setting, one_of

EDITOR_SETTINGS = (
    Setting(
        "path",
        "",
        "The `fim-lsp` program to run; empty means the one inside the extension, else the active Python environment's, "
        "then the one on PATH, then an environment of the extension's own.",
        TEXT,
        is_trusted=True,
    ),
    Setting(
        "installFrom",
        "fim-lsp[weights]",
        "What pip installs into the extension's own environment: a package name, a wheel, or a clone's folder, "
        "which brings its weights along; a wheel brings none.",
        TEXT,
        is_trusted=True,
    ),
    Setting(
        "trace.server",
        "off",
        "Messages between editor and server that the editor writes to its log; `verbose` includes source text.",
        one_of("off", "messages", "verbose"),
    ),
)
