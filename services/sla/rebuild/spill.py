"""Records laid aside on the disk while a partition number is read, so that memory does not grow with the log."""

import tempfile
from collections.abc import Iterator
from struct import Struct
from typing import IO
from zlib import crc32

HEAD = Struct("<HqI")  # which partition, offset, bytes of the value
BUFFER = 1 << 20  # bytes that are written and read at once


class SpillFiles:
    """Records by parts of their cases, each part but the first in a file without a name: none outlives its process.

    The files lie where TMPDIR says and are as large as the values laid into them. Raises OSError when there is no room.
    """

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._files: dict[int, IO[bytes]] = {}

    def part_of(self, key: bytes) -> int:
        """From 0, the part that is not laid aside. All records of a key are in one part."""
        return crc32(key) % self._parts

    def lay(self, part: int, partition: int, offset: int, value: bytes) -> None:
        """Into a part, from 1 on. `partition`: which of those that are read."""
        file = self._files.get(part)
        if file is None:
            file = self._files[part] = tempfile.TemporaryFile(buffering=BUFFER)  # noqa: SIM115 (until its part is taken)
        file.write(HEAD.pack(partition, offset, len(value)))
        file.write(value)

    def parts(self) -> Iterator[Iterator[tuple[int, int, bytes]]]:
        """Part by part, in the order in which it was laid there: partition, offset and value. Each part once."""
        while self._files:
            _, file = self._files.popitem()
            with file:
                file.seek(0)
                yield _records(file)


def _records(file: IO[bytes]) -> Iterator[tuple[int, int, bytes]]:
    while head := file.read(HEAD.size):
        partition, offset, size = HEAD.unpack(head)
        yield partition, offset, file.read(size)
