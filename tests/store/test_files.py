"""On which disk a store lies, and where its URL says that it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store.files import filesystem, sqlite_file

MOUNTS = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
40 22 0:35 / /srv rw,relatime - nfs4 server:/srv rw
41 40 259:3 / /srv/local\\040disk rw - xfs /dev/sdb rw
42 22 0:36 / /mnt/c rw - 9p drvfs rw
43 22 0:37 / /var/lib/trueup rw master:1 - ext4 /dev/sdc rw
44 22 0:38 / /var/lib/trueup rw - cifs //server/share rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ana", "ext4"),
        ("/srv/state", "nfs4"),
        ("/srvother", "ext4"),
        ("/srv/local disk/state", "xfs"),
        ("/mnt/c/Users", "9p"),
        ("/var/lib/trueup", "cifs"),
    ],
)
def test_innermost_and_latest_mount_counts(folder: str, kind: str) -> None:
    """A share inside a disk, a disk inside a share, a share mounted over a disk."""
    assert filesystem(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("", "/state/trueup.db"),
        ("sqlite:///other.db", "/state/other.db"),
        ("sqlite:////srv/trueup.db", "/srv/trueup.db"),
        ("sqlite:////srv/trueup.db?timeout=5", "/srv/trueup.db"),
        ("sqlite:///:memory:", None),
        ("sqlite://", None),
        ("postgresql://server/trueup", None),
    ],
)
def test_url_names_a_file_or_none(url: str, path: str | None) -> None:
    """For `trueup status`, which has no time for SQLAlchemy."""
    assert sqlite_file(url, Path("/state")) == (Path(path) if path else None)
