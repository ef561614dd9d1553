"""What of a repository is learnt, what is not, and how it is laid out."""

from __future__ import annotations

from itertools import islice
from types import SimpleNamespace

import pytest

from fim_lsp.checkpoints.formats import Format
from fim_lsp.context.index import Workspace
from fim_lsp.errors import InputError
from fim_lsp.lab.adapt import files
from fim_lsp.lab.adapt.files import SourceText
from fim_lsp.lab.adapt.rows import AdaptObjective, AdaptRows, Places

SECRET = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
FORMAT = Format("suffix-first", 1, 2, 3, frozenset({0}), 100, 50, file=4)
CHARS = SimpleNamespace(  # a vocabulary of characters
    encode=lambda text: [ord(char) for char in text], decode=lambda ids: "".join(map(chr, ids))
)


def body(name: str, functions: int = 12) -> str:
    return "".join(f"def {name}_{n}(first, second):\n    return first + {n} * second\n\n\n" for n in range(functions))


@pytest.fixture
def root(tmp_path):
    for number in range(10):
        (tmp_path / f"file_{number}.py").write_text(body(f"of_{number}"))
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text(body("ignored"))
    (tmp_path / ".fimlspignore").write_text("private.py\n")
    (tmp_path / "private.py").write_text(body("private"))
    (tmp_path / "token.py").write_text(f'TOKEN = "{SECRET}"\n' + body("token"))
    return tmp_path


def all_text(parted: files.Parted) -> str:
    return "".join(file.text for some in (parted.learnt, parted.checked, parted.judging) for file in some)


def test_the_last_fifth_by_path_judges_and_no_file_is_in_two_parts(root):
    parted = files.part(root)
    assert [file.path for file in parted.judging] == ["file_9.py", "token.py"]
    paths = [file.path for some in (parted.learnt, parted.checked, parted.judging) for file in some]
    assert len(paths) == len(set(paths)) == 11
    assert parted.checked


def test_excluded_files_and_secrets_are_not_learnt(root):
    text = all_text(files.part(root, patterns=["file_3.py"]))
    assert "of_2_" in text
    assert not any(word in text for word in ("ignored_", "private_", "of_3_", SECRET))


def test_a_folder_with_too_little_says_what_is_wanted(tmp_path):
    (tmp_path / "one.py").write_text(body("one"))
    with pytest.raises(InputError, match="root of a repository"):
        files.part(tmp_path)


def rows_of(root, length: int = 400) -> tuple[AdaptRows, files.Parted]:
    parted = files.part(root)
    seen = Workspace.of(root, patterns=[f"/{file.path}" for file in parted.judging])
    return AdaptRows(CHARS, FORMAT, parted.learnt, parted.checked, seen, length, checks=4), parted


def test_rows_never_show_what_judges_and_fit_their_length(root):
    rows, parted = rows_of(root)
    for row in islice(rows.rows(0), 60):
        text = "".join(map(chr, (token for piece in row for token in piece)))
        assert len(text) <= 400
        assert not any(f"{file.path.removesuffix('.py')}_" in text for file in parted.judging), text
        assert "of_9_" not in text


def test_the_first_rows_are_of_the_files_that_say_when_to_stop_and_no_later_one_is(root):
    rows, parted = rows_of(root)
    checked = {file.path for file in parted.checked}

    def path(row) -> str:
        return "".join(map(chr, row[0])).rpartition(chr(4))[2].partition("\n")[0]

    of = [path(row) for row in islice(rows.rows(0), 40)]
    assert set(of[:4]) <= checked
    assert checked.isdisjoint(of[4:])


def test_prefix_middle_and_suffix_are_the_file_as_it_stands_and_row_n_is_always_the_same(root):
    rows, parted = rows_of(root)
    texts = [file.text for some in (parted.learnt, parted.checked) for file in some]
    first = list(islice(rows.rows(0), 30))
    for prompt, middle in first:
        suffix, _, prefix = "".join(map(chr, prompt)).rpartition(chr(FORMAT.suffix))[2].partition(chr(FORMAT.prefix))
        assert prefix.endswith(chr(FORMAT.middle))
        assert any(f"{prefix[:-1]}{''.join(map(chr, middle))}{suffix}" in text for text in texts)
    assert max(len(middle) for _, middle in first) > 200 > min(len(middle) for _, middle in first)
    again, _ = rows_of(root)
    assert list(islice(again.rows(10), 20)) == first[10:]


def test_an_epoch_goes_over_every_place_once():
    places = Places([SourceText("a.py", "x" * 3000), SourceText("b.py", "y" * 1000)])
    import random

    drawn = [places.draw(number, 1, random.Random(number)) for number in range(len(places))]
    strides = sorted((path, at // 900) for _, path, at in drawn)
    assert strides == [("a.py", 0), ("a.py", 1), ("a.py", 2), ("a.py", 3), ("b.py", 0), ("b.py", 1)]


def test_the_loss_is_on_the_middle_and_its_end():
    example = AdaptObjective(1, 2, 3, 0, 32).example(([4, 9, 2, 8, 1, 10, 11, 3], [20, 21]), (0, 0))
    assert example.ids == [4, 9, 2, 8, 1, 10, 11, 3, 20, 21]
    assert example.targets == [(7, 20, 1.0, 0), (8, 21, 1.0, 0), (9, 0, 1.0, 0)]
