// SPDX-License-Identifier: Apache-2.0
//
// What is said, before the call, of a thread that is about to restrict its system calls: by prctl() or by
// seccomp(2), whose numbers for the two kinds differ. Neither: nothing is said. Any thread.
#pragma once

namespace otprof::interpose {

void tell_of_sandbox(bool is_strict, bool is_filter) noexcept;

}  // namespace otprof::interpose
