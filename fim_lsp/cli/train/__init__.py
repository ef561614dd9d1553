"""`fim-lsp train`: the commands that make the models, each in its own file."""

from __future__ import annotations

import typer

from fim_lsp.cli import measuring_sets, study
from fim_lsp.cli.train import corpus, export, models

app = typer.Typer(help="Make the models: train the decoder or the infiller on token shards.", no_args_is_help=True)

app.command("corpus")(corpus.make_corpus)
app.command("bert")(models.train_bert)
app.command("gpt")(models.train_gpt)
app.command("export")(export.export_run)
app.command("study")(study.train)
app.command("export-study")(study.export)
app.command("language-holes")(measuring_sets.by_language)
app.command("multi-file-holes")(measuring_sets.multi_file)
