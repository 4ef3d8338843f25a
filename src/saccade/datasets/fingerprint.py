"""A fingerprint of a data set, by which a later command notices that the same name holds other data now."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from saccade.core.manifest import Manifest


def fingerprint(manifest: Manifest, files: Sequence[Path] = ()) -> str:
    """Digest of what the rows say, in their order, and of the sizes of the files they mean.

    No file is opened, so an image that was changed and has as many bytes as before is not noticed; where a data set
    lies makes no difference.

    Cost: one look at each file's size.

    >>> from saccade.core.manifest import load_manifest
    >>> fingerprint(load_manifest("cells/manifest.csv"))[:7]
    'sha256:'

    Args:
        manifest: Names, labels, cases, parts and pixel sizes.
        files: Of slides, the files of their features, one for each row; else the rows' own.
    """
    sizes = {path: path.stat().st_size for path in {*files} or {row.path for row in manifest.rows}}
    digest = hashlib.sha256()
    for row, path in zip(manifest.rows, files or [row.path for row in manifest.rows], strict=True):
        known = (row.name, row.label, row.case_id, row.split, row.mpp, sizes[path])
        digest.update(json.dumps(known).encode())
    return f"sha256:{digest.hexdigest()}"
