# SPDX-License-Identifier: Apache-2.0
"""What the checkers of both formats share: violations, files, and facts about executables."""

import hashlib
import os
import re
import subprocess
import sys
from collections import namedtuple

# `item` is the number in the checklist of the checker's own documentation.
Violation = namedtuple('Violation', ['item', 'text'])

GNU_BUILD_ID = re.compile(r'(?:[0-9a-f]{2})+')
HTL_HASH = re.compile(r'[0-9a-f]{32}', re.IGNORECASE)


def readelf_build_id(path):
    """The GNU build id of a file in lower-case hex, or '' if it has none."""
    shown = subprocess.run(['readelf', '-n', '--wide', path], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, check=False, text=True).stdout
    found = re.search(r'Build ID: ([0-9a-f]+)', shown)
    return found.group(1) if found else ''


def htl_hash(path):
    """First 16 bytes, in hex, of SHA-256 over the first 4096 bytes, the last 4096 bytes and the
    length as 8 bytes big-endian (OpenTelemetry profiles, mappings)."""
    size = os.path.getsize(path)
    with open(path, 'rb') as file:
        head = file.read(4096)
        file.seek(max(0, size - 4096))
        tail = file.read(4096)
    return hashlib.sha256(head + tail + size.to_bytes(8, 'big')).hexdigest()[:32]


def read_files(paths):
    """[(path, bytes)]; ends the command if one cannot be read."""
    try:
        contents = []
        for path in paths:
            with open(path, 'rb') as file:
                contents.append((path, file.read()))
        return contents
    except OSError as error:
        sys.exit('%s: %s' % (error.filename, error.strerror))


def report(violations_by_path):
    """Prints a line for each violation; the command's exit status."""
    count = 0
    for path, violations in violations_by_path:
        for violation in violations:
            print('%s: item %d: %s' % (path, violation.item, violation.text))
            count += 1
    return 1 if count else 0
