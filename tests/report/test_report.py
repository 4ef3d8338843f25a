"""The page as a whole: self-contained, escaped, accessible, and with the sections that were asked for."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import saccade
from saccade.report.data import ReportData
from saccade.report.report import render_report, report_sections, write_report
from tests.report.miniature import PARTS, full_report, staged_history

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Every tag with its attributes, whether tags close properly, and the text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def sections(self) -> list[str]:
        return [attributes["id"] or "" for tag, attributes in self.tags if tag == "section"]


@pytest.fixture(scope="module")
def full() -> str:
    return render_report(full_report())


def test_the_page_needs_nothing_else(full: str) -> None:
    page = Page(full)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", re.sub(r"base64,[^\"]+", "", full))
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:image/", "#")), (tag, name, value)
        assert not [name for name in attributes if name.startswith("on")]


def test_every_picture_says_what_it_shows(full: str) -> None:
    pictures = [(tag, attributes) for tag, attributes in Page(full).tags if tag in ("img", "svg")]
    assert len(pictures) > 10
    for tag, attributes in pictures:
        assert attributes.get("alt" if tag == "img" else "aria-label"), attributes
    assert len({attributes["aria-label"] for tag, attributes in pictures if tag == "svg"}) == 9


def test_names_in_the_page_are_there_once_and_links_lead_somewhere(full: str) -> None:
    page = Page(full)
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    links = [a["href"] for tag, a in page.tags if tag == "a" and a["href"]]
    assert [link[1:] for link in links] == page.sections()


def test_class_names_and_titles_are_escaped(full: str) -> None:
    assert "<b>bold" not in full and "<made up>" not in full and "<x>" not in full and "<i>" not in full
    assert "<b>bold</b> & co" in Page(full).text


@pytest.mark.parametrize("name", PARTS)
def test_a_section_is_there_if_and_only_if_its_data_is(name: str) -> None:
    value, expected = PARTS[name]
    assert [section.key for section in report_sections(ReportData("t", **{name: value}))] == list(expected)


def test_a_training_in_stages_has_a_section_of_its_own() -> None:
    (section,) = report_sections(ReportData("t", history=staged_history()))
    assert (section.key, section.title) == ("training", "Training: the look, then the reader, then both")


def test_fields_are_called_fields() -> None:
    (_, _, reliability) = report_sections(ReportData("t", noun="fields", metrics=PARTS["metrics"][0]))
    assert "of fields called with 80 % confidence" in reliability.lead


def test_everything_together_and_every_section_with_what_to_look_for_and_its_limits() -> None:
    sections = report_sections(full_report())
    assert {section.key for section in sections} == {key for _, keys in PARTS.values() for key in keys}
    for section in sections:
        assert section.lead.endswith(".") and section.limits.endswith("."), section.key


def test_an_empty_report_is_still_a_page() -> None:
    page = Page(render_report(ReportData("Nothing", history=[], examples=[])))
    assert page.sections() == []
    assert not [tag for tag, _ in page.tags if tag in ("img", "svg", "table", "nav")]


def test_simulated_data_is_said_beside_every_section(full: str) -> None:
    simulated = render_report(full_report(origin="simulated"))
    assert "SIMULATED DATA" in simulated
    assert simulated.count('<span class="tag">simulated data</span>') == len(Page(simulated).sections())
    assert "simulated" not in full.lower()


def test_a_set_that_is_simulated_in_part_is_no_proxy() -> None:
    page = render_report(full_report(origin="partly simulated"))
    assert "PARTLY SIMULATED DATA" in page
    assert "computed from brightfield" not in page


def test_a_proxy_is_said_beside_every_section() -> None:
    proxy = render_report(full_report(origin="OPD-like proxy"))
    assert "OPD-LIKE PROXY" in proxy
    assert proxy.count('<span class="tag">OPD-like proxy</span>') == len(Page(proxy).sections())
    assert "simulated" not in proxy.lower()


def test_the_footer_has_version_and_purpose(full: str) -> None:
    assert f"Saccade {saccade.__version__}" in full and "not for diagnosis" in full


def test_the_same_data_gives_the_same_page(full: str) -> None:
    assert render_report(full_report()) == full


def test_both_themes_and_print(full: str) -> None:
    assert "prefers-color-scheme: dark" in full and "@media print" in full


def test_writing(tmp_path: Path) -> None:
    write_report(tmp_path / "run" / "report.html", ReportData("Grün"))
    assert "Grün" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["report.html"]
