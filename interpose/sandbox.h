// SPDX-License-Identifier: Apache-2.0
//
// What is said, before the call, of a thread that is about to restrict its system calls, by whatever name the
// program has called it. For files of interpose/ only; any thread.
#pragma once

namespace otprof::interpose {

// By seccomp(2). Without a filter the call is about to fail.
void tell_of_strict_sandbox() noexcept;
void tell_of_filter(const void* filter, bool is_for_all_threads) noexcept;

// Any call of prctl(2), most of which are nobody's concern.
void tell_of_prctl(unsigned long option, unsigned long a, const void* b) noexcept;

}  // namespace otprof::interpose
