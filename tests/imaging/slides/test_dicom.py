"""Files of one series in one folder are one slide."""

from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset

from saccade.imaging.slides.dicom import is_dicom, series_among, series_of


def write(path: Path, series: str) -> Path:
    """A DICOM file with little in it but its series."""
    path.parent.mkdir(exist_ok=True)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    if series:
        data.SeriesInstanceUID = series
    data.PixelData = bytes(64)
    data.Rows, data.Columns, data.BitsAllocated, data.SamplesPerPixel, data.PixelRepresentation = 8, 8, 8, 1, 0
    data.save_as(path, enforce_file_format=True)
    return path


def test_what_is_dicom(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", "1.2.3")
    write(tmp_path / "noname", "1.2.3")
    write(tmp_path / "other.dat", "1.2.3")
    (tmp_path / "text.dcm").write_text("DICM")
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_dicom(path)] == ["a.dcm", "noname"]
    assert not is_dicom(tmp_path) and not is_dicom(tmp_path / "ghost.dcm")


def test_series(tmp_path: Path) -> None:
    assert series_of(write(tmp_path / "a.dcm", "1.2.3")) == "1.2.3"
    assert series_of(write(tmp_path / "b.dcm", "")) == ""
    (tmp_path / "c.dcm").write_bytes(bytes(128) + b"DICM\xff\xff")
    assert series_of(tmp_path / "c.dcm") == ""


def test_the_files_of_each_series(tmp_path: Path) -> None:
    names = {"one/a.dcm": "1.2", "one/b.dcm": "1.3", "one/c.dcm": "1.2", "one/d.dcm": "", "one/e.dcm": ""}
    paths = [write(tmp_path / name, series) for name, series in names.items()]
    paths.append(write(tmp_path / "two" / "a.dcm", "1.2"))  # another folder: OpenSlide would not put it together
    found = [" ".join(path.relative_to(tmp_path).as_posix() for path in files) for files in series_among(paths)]
    assert found == ["one/a.dcm one/c.dcm", "one/b.dcm", "one/d.dcm", "one/e.dcm", "two/a.dcm"]


@pytest.mark.real_data
def test_a_real_series(real_data: Path) -> None:
    files = [real_data / "slides" / f"boxes_{number}.dcm" for number in range(2)]
    assert all(map(is_dicom, files)) and series_among(files) == [tuple(files)]
