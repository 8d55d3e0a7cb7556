# SPDX-License-Identifier: Apache-2.0
"""What the tests of the checkers share: changing one thing in a good payload."""

import messages


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(data):
    """[(number, wire type, content, whole bytes)] of a message."""
    found, at = [], 0
    while at < len(data):
        begin = at
        key, at = messages._varint(data, at)
        if key & 7 == 2:
            size, at = messages._varint(data, at)
            content = data[at:at + size]
            at += size
        elif key & 7 == 0:
            _, end = messages._varint(data, at)
            content, at = data[at:end], end
        else:
            at += 8
            content = data[at - 8:at]
        found.append((key >> 3, key & 7, content, data[begin:at]))
    return found


def edit_nested(data, path, edit):
    """`data` with edit(bytes) in place of the first nested message found along `path`, a list of
    field numbers."""
    if not path:
        return edit(data)
    out, done = b'', False
    for number, _, content, whole in fields(data):
        if number == path[0] and not done:
            content = edit_nested(content, path[1:], edit)
            whole = varint(number << 3 | 2) + varint(len(content)) + content
            done = True
        out += whole
    assert done, 'no field %d' % path[0]
    return out


def unpack(number):
    """An edit that writes a packed varint field as single values."""
    def edit(data):
        out = b''
        for field, wire_type, content, whole in fields(data):
            if field != number:
                out += whole
                continue
            assert wire_type == 2
            at = 0
            while at < len(content):
                value, at = messages._varint(content, at)
                out += varint(number << 3) + varint(value)
        return out
    return edit


def repeat(number):
    """An edit that writes each field of that number twice."""
    def edit(data):
        return b''.join(whole * (2 if field == number else 1)
                        for field, _, _, whole in fields(data))
    return edit


class Tally:
    """Runs cases and remembers whether all were as expected."""

    def __init__(self, all_items):
        self.failed = 0
        self.count = 0
        self.untried = set(all_items)

    def expect(self, name, violations, items):
        """`violations` names exactly `items`."""
        self.count += 1
        found = {violation.item for violation in violations}
        if found != set(items):
            self.failed += 1
            print('%s: expected items %s, found %s' % (name, sorted(items), sorted(found)))
            for violation in violations[:5]:
                print('    item %d: %s' % violation)
        if len(items) == 1:
            self.untried -= set(items)

    def finish(self):
        """Exit status."""
        if self.untried:
            print('items that no case violates alone: %s' % sorted(self.untried))
        print('%d cases, %d failed' % (self.count, self.failed))
        return 1 if self.failed or self.untried else 0
