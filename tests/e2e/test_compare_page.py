"""The comparison's page in a real Chromium: it draws, it is quiet, and it asks nothing of anybody."""

from __future__ import annotations

import os

import pytest

from fim_lsp.compare import page, plots
from tests.e2e.vscode.window import find_chromium, launch
from tests.unit.compare import scripted

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(not find_chromium() and not os.environ.get("CI"), reason="no Chromium: make editors"),
]
SIZES = "() => [...document.querySelectorAll('figure svg')].map(one => one.getBoundingClientRect().toJSON())"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
EMPTY = "() => [...document.querySelectorAll('.claim, dd, figcaption')].filter(one => !one.textContent.trim()).length"
INK = "() => getComputedStyle(document.querySelector('figure svg text')).fill"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        path.write_text(page.render(scripted.report(patch)), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_the_page_draws_and_asks_nothing(browser, url, width):
    context = browser.new_context(viewport={"width": width, "height": 900})
    opened, said, asked = context.new_page(), [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda problem: said.append(str(problem)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(url)
    assert said == []
    assert [one for one in asked if not one.startswith("data:")] == [url]
    sizes = opened.evaluate(SIZES)
    assert len(sizes) == len(plots.PLOTS)
    assert all(one["width"] > 200 and one["height"] > 130 for one in sizes)
    assert opened.evaluate(OVERFLOW) <= 0, "nothing sticks out at the side"
    assert opened.evaluate(EMPTY) == 0
    context.close()


def test_the_pictures_follow_light_and_dark(browser, url):
    inks = []
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        opened = context.new_page()
        opened.goto(url)
        inks.append(opened.evaluate(INK))
        context.close()
    assert inks[0] != inks[1]
    assert all(ink.startswith("rgb") for ink in inks)
