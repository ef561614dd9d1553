"""Low-rank parts for repositories, each in a folder of the user's data folder that is found by the repository's path.

adapters/NAME-0123456789ab/adapter.json          what it is, and what was measured; written last, when it helps
                           adapter.safetensors   checkpoints/low_rank.py, without a mask
                           run/                  a training that goes on, or was stopped
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fim_lsp.checkpoints.config import ModelConfig
from fim_lsp.checkpoints.fields import Table, read_json
from fim_lsp.checkpoints.low_rank import MOST_RANK, TOGETHER, LowRank, Where
from fim_lsp.checkpoints.shelf import adapters_folder, name_from
from fim_lsp.errors import InputError, ModelCorrupt, ModelError

MANIFEST, WEIGHTS, RUN = "adapter.json", "adapter.safetensors", "run"
SAMPLE_BYTES = 4096  # of a file, from its middle: two trainings differ there


@dataclass(frozen=True)
class Adapter:
    """An adapter's folder and what its manifest says."""

    folder: Path
    workspace: Path
    decoder: str  # fingerprint of the weights that it stands beside
    rank: int
    where: Where
    notes: Mapping[str, Any]  # what was measured when it was made

    @classmethod
    def read(cls, folder: Path) -> Adapter:
        """Read a manifest; raises ModelMissing, ModelCorrupt."""
        table = Table(read_json(folder / MANIFEST), str(folder / MANIFEST))
        matrices = tuple(table.text("matrices").split())
        if not matrices or not set(matrices) <= TOGETHER.keys():
            raise ModelCorrupt(f"{table.where}: matrices are some of {', '.join(TOGETHER)}: {_remedy()}")
        return cls(
            folder, Path(str(table.raw.get("workspace", ""))), table.text("decoder"), table.whole("rank", 1, MOST_RANK),
            Where(table.whole("first_layer", 0, 10_000, 0), matrices), table.table("notes").raw,
        )  # fmt: skip

    def part(self, trunk: ModelConfig) -> LowRank:
        """Map its factors once they fit the decoder; raises ModelMissing, ModelCorrupt, ModelMismatch."""
        return LowRank.from_folder(self.folder, trunk, self.rank, self.where)

    @property
    def size(self) -> int:
        """Return the bytes of its files."""
        return sum(file.stat().st_size for file in self.folder.iterdir() if file.is_file())

    def write(self) -> None:
        """Write the manifest, from which on the adapter is found; its factors must be there."""
        said = {
            "workspace": str(self.workspace), "decoder": self.decoder, "rank": self.rank,
            "first_layer": self.where.first_layer, "matrices": " ".join(self.where.matrices), "notes": self.notes,
        }  # fmt: skip
        beside = self.folder / f"{MANIFEST}.part"
        beside.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        beside.replace(self.folder / MANIFEST)


def folder_of(workspace: Path) -> Path:
    """Return where the adapter of a repository belongs; it need not be there."""
    path = workspace.resolve()
    stamp = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return adapters_folder() / f"{name_from(path.name)}-{stamp}"


def find(roots: Iterable[Path], decoder: Path) -> Adapter | None:
    """Return the adapter of the repository that all open folders lie in, None without one that fits the decoder."""
    paths = [root.resolve() for root in roots]
    if not paths or not adapters_folder().is_dir():
        return None
    shared = [path for path in (paths[0], *paths[0].parents) if all(one.is_relative_to(path) for one in paths)]
    for path in shared:
        if (found := get(path)) and found.decoder == fingerprint(decoder):
            return found
    return None


def get(workspace: Path) -> Adapter | None:
    """Return the adapter of a repository, None where there is none that can be read."""
    folder = folder_of(workspace)
    try:
        return Adapter.read(folder) if (folder / MANIFEST).is_file() else None
    except ModelError:
        return None


def every() -> Iterator[Adapter]:
    """Yield the adapters that are there, by their folders' names."""
    folder = adapters_folder()
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (one / MANIFEST).is_file():
            try:
                yield Adapter.read(one)
            except ModelError:
                continue


def remove(workspace: Path) -> bool:
    """Take an adapter and what is left of its training away; False where there is none. Raises InputError."""
    folder = folder_of(workspace)
    if not folder.is_dir():
        return False
    try:
        (folder / MANIFEST).unlink(missing_ok=True)  # first: half an adapter is none
        shutil.rmtree(folder)
    except OSError as problem:
        raise InputError(f"{folder} cannot be removed: {problem.strerror}; remove it by hand") from None
    return True


def fingerprint(decoder: Path) -> str:
    """Return what tells a decoder's weights from others': names, sizes and a sample of its files."""
    digest = hashlib.sha256()
    for file in sorted(decoder.glob("*.safetensors")):
        size = file.stat().st_size
        with file.open("rb") as opened:
            opened.seek(size // 2)
            digest.update(f"{file.name} {size} ".encode() + opened.read(SAMPLE_BYTES))
    return digest.hexdigest()[:16]


def _remedy() -> str:
    return "`fim-lsp adapt PATH --remove` takes it away"
