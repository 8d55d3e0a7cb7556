// SPDX-License-Identifier: Apache-2.0
//
// A system call as syscall(2) makes it, errno included, without libc. For files of interpose/ only; also
// before the loader has relocated this library, errno excepted.
#pragma once

extern "C" [[gnu::visibility("hidden")]] long otprof_make_syscall(long number, ...) noexcept;
