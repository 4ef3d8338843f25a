"""The gallery of slides says what each picture shows, and leaves out what is not at hand."""

from dataclasses import replace

from saccade.report.slide_gallery import slide_gallery, times
from tests.report.miniature import CLASSES, slide_examples


def test_a_slide_with_its_file() -> None:
    html = slide_gallery(slide_examples()[:1])
    assert html.count("<img") == 2 + 2 + 2, "two colour bars, two maps, two patches"
    assert f"<h3>{CLASSES[0]}</h3>" in html
    assert "1,200 patches, half of the weight on 300 (25 %)" in html
    assert "weigh most" in html and "#1: <b>6.2×</b>" in html and "for 8.0×" in html
    assert "weigh least" in html and "#1200: <b>0.03×</b>" in html and "against 0.50×" in html
    assert 'style="width: 20.0%">0.5 mm<' in html
    assert "rightly called" in html and "wrong" not in html


def test_a_slide_without_it() -> None:
    html = slide_gallery(slide_examples()[1:])
    assert html.count("<img") == 2 + 2
    assert "weigh most" not in html and "ruler" not in html
    assert "1 patch, half of the weight on 1 (100 %)" in html
    assert "wrongly called" in html and "b &lt;i&gt;.svs" in html
    assert "for and against &lt;b&gt;bold&lt;/b&gt; &amp; co" in html


def test_shares_have_two_digits() -> None:
    assert [times(share) for share in (0.0, 0.994, 1.0, 9.96, 12.4, 130.0)] == [
        "0.00×",
        "0.99×",
        "1.0×",
        "10.0×",
        "12×",
        "130×",
    ]


def test_the_leaning_of_weights_is_told_once() -> None:
    examples = slide_examples()
    assert "lean to" not in slide_gallery(examples)
    leaning = [replace(one, leaning="Weights lean to the left.") for one in examples]
    assert slide_gallery(leaning).count("Weights lean to the left.") == 1
