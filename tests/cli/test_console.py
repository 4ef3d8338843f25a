"""Lines, tables and progress, where there is no terminal."""

import pytest

from saccade.cli import console


def test_tables_show_every_cell_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_table(("name", "share"), [("[bold]a[/bold]", "1.0%"), ("x" * 60, "2.0%")], title="found")
    printed = capsys.readouterr().out
    assert "found" in printed
    assert "[bold]a[/bold]" in printed
    assert "x" * 60 in printed


def test_progress_in_a_log_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 1.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    with console.progress("opening") as tell:
        for done in (1, 2, 3):
            tell(done, 3)
    assert capsys.readouterr().err == "opening: 2 of 3\n"


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.progress("opening") as tell:
        tell(1, 2)


def test_a_finished_bar_makes_room_for_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.progress import Progress

    stopped: list[Progress] = []
    stop = Progress.stop
    monkeypatch.setattr(Progress, "stop", lambda bar: (stopped.append(bar), stop(bar))[1])
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with console.progress("opening") as tell:
        tell(1, 2)
        assert not stopped
        tell(2, 2)
        assert stopped
        with console.progress("training") as tell_of_the_next:
            tell_of_the_next(1, 1)
        tell(2, 2)  # said twice, as for the last of several files
    assert "Traceback" not in capsys.readouterr().err


def test_warnings_go_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("done")
    console.warn("skipped")
    assert capsys.readouterr() == ("done\n", "skipped\n")
