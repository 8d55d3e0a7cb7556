# SPDX-License-Identifier: Apache-2.0
# Preloaded, makes the C library look as if it were older than 2.35: whoever looks up _dl_find_object by name
# finds nothing, for an absolute symbol is not relocated. Its version is its own (without_find_object.map), so
# that the C++ runtime, which asks for glibc's, goes on finding that.
        .globl  _dl_find_object
        .type   _dl_find_object, @function
        .set    _dl_find_object, 0
        .section .note.GNU-stack, "", @progbits
