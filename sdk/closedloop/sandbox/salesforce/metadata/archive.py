"""The zip of a deployment, read with limits: a stranger's archive can claim to hold anything.

Metadata API Developer Guide, "Metadata Limits": at most 10,000 files, 39 MB zipped. What is unzipped may be
400 MB there; here it is less, and no file may be more than 200 times what it takes in the zip.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

_MOST_FILES = 10_000
_MOST_ZIPPED = 39 * 1024 * 1024
_MOST_BYTES = 100 * 1024 * 1024
_MOST_RATIO = 200
_SMALL = 64 * 1024


class ArchiveError(ValueError):
    """The zip is none, or too much."""


def unzipped(data: bytes) -> Mapping[str, bytes]:
    """The files by their path. Raises ArchiveError."""
    if len(data) > _MOST_ZIPPED:
        raise ArchiveError(
            f"Maximum size of request reached. Maximum size of request is {_MOST_ZIPPED} bytes"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return dict(_files(archive))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise ArchiveError("the file is no zip archive that can be read") from error


def zipped(files: Mapping[str, bytes]) -> bytes:
    """An archive of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()


def packages(files: Mapping[str, bytes], *, single: bool) -> Iterator[tuple[str, Mapping[str, bytes]]]:
    """Each package's folder, with a slash, and its files.

    A single package may be the root, or the only folder in it (the Salesforce CLI sends it so); else every
    folder of the root is one ("No package.xml found" once a folder, where it is none).
    """
    folders = dict.fromkeys(path.partition("/")[0] for path in files if "/" in path)
    if single and ("package.xml" in files or len(folders) != 1 or any("/" not in path for path in files)):
        yield "", files
        return
    for folder in folders or [""]:
        prefix = f"{folder}/" if folder else ""
        yield prefix, {p.removeprefix(prefix): data for p, data in files.items() if p.startswith(prefix)}


def _files(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(infos) > _MOST_FILES:
        raise ArchiveError(f"the archive has more than {_MOST_FILES} files")
    left = _MOST_BYTES
    for info in infos:
        content = _content(archive, info, left)
        left -= len(content)
        yield _path(info.filename), content


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    # What the archive says of a file's size proves nothing: no more than is allowed is ever unzipped.
    most = min(left, max(_SMALL, info.compress_size * _MOST_RATIO))
    with archive.open(info) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ArchiveError("the archive holds more than it may when it is unzipped")
    return content


def _path(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError("the archive has a file outside itself")
    return str(path)
