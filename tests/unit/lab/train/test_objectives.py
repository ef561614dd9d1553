"""What one row teaches: where canvases stand, what they show, what is asked of them."""

from __future__ import annotations

import torch

from fim_lsp.checkpoints.marks import Marks
from fim_lsp.lab.train.batch import CONTEXT, PAD
from fim_lsp.lab.train.bert import BertObjective

MARKS = Marks(begin=0, mask=1, delete=2, expand=3)
ROW = [[10, 11, 12], [20, 21], [13, 14], [], [15], [30], [16, 17]]
SEEDS = [(1, n) for n in range(200)]


def examples(length=120):
    objective = BertObjective(MARKS, length, 40)
    return objective, [objective.example(ROW, seed) for seed in SEEDS]


def test_every_hole_has_one_canvas_in_one_of_two_views():
    _, made = examples()
    views = {group for example in made for group in example.groups if group > CONTEXT}
    assert views == {CONTEXT + 1, CONTEXT + 2}
    for example in made:
        assert example.groups == sorted(example.groups, key=lambda group: group > CONTEXT), "context comes first"
        starts = {p for p, group in zip(example.positions, example.groups, strict=True) if group > CONTEXT}
        assert len(starts) == sum(group > CONTEXT for group in example.groups), "no two slots at one position"


def test_a_view_of_all_masks_asks_for_the_fill_and_where_it_ends():
    _, made = examples()
    asked = set()
    for example in made:
        for span in {s for *_, s in example.targets if s >= 0}:
            asked.add((span, tuple(token for _, token, _, s in example.targets if s == span)))
    fills = {0: (20, 21), 1: (), 2: (30,)}
    for span, fill in fills.items():
        answers = {tokens for s, tokens in asked if s == span}
        assert answers <= {(*fill, 2), fill, *((*fill[:n], 3) for n in range(len(fill)))}, answers
        assert (*fill, MARKS.delete) in answers


def test_deletes_of_a_canvas_weigh_as_much_as_one_token():
    _, made = examples()
    for example in made:
        weight = sum(w for _, token, w, _ in example.targets if token == MARKS.delete)
        assert weight <= 3 + 1e-6


def test_a_partial_view_shows_no_mark_but_the_mask():
    _, made = examples()
    for example in made:
        shown = {i for i, group in zip(example.ids, example.groups, strict=True) if group > CONTEXT}
        assert not shown & {MARKS.delete, MARKS.expand}


def test_canvases_see_the_context_and_their_own_view_and_the_context_sees_neither():
    objective = BertObjective(MARKS, 6, 40)
    groups = torch.tensor([[CONTEXT, CONTEXT, 2, 2, 3, PAD]])
    seen = objective.mask(groups)[0].tolist()
    drawn = ["".join("x" if sees else "." for sees in row) for row in seen]
    assert drawn == ["xx....", "xx....", "xxxx..", "xxxx..", "xx..x.", "xx...."]


def test_a_row_too_long_for_its_places_loses_canvases_not_context():
    objective, made = examples(length=12)
    for example in made:
        assert len(example.ids) <= objective.length
        assert sum(group == CONTEXT for group in example.groups) == 9
