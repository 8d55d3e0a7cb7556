// SPDX-License-Identifier: Apache-2.0
//
// The handler of the signals that engines sample by, SIGTRAP and SIGPROF: tells whose a signal is,
// has a sample taken when it is one of ours, and passes everything else on to whoever the program
// has for it, with the semantics that owner asked for.
#pragma once

#include <cstdint>

namespace otprof::cpu {

// Puts the handler in place for `signal`; false if the kernel refuses or the program has taken the
// signal over by a raw system call. It stays for good: a signal may be pending on some thread at any
// time. Any thread.
bool guard_sampling_signal(int signal) noexcept;

// What our sigtrap events carry in perf_event_attr.sig_data: their mark, and the periods of the
// configured rate that one trap stands for.
std::uint64_t trap_data(std::uint32_t periods) noexcept;

// The descriptors that announce by SIGPROF that their thread's period is over. An event that has
// just taken over from a timer counts two for its first period or one, with equal probability:
// its periods begin anywhere in those that the timer had counted. False for a descriptor out of range.
bool accept_event(int fd, bool counts_first_twice) noexcept;
void refuse_event(int fd) noexcept;
// The periods of the configured rate that one of these stands for.
void set_event_weight(std::uint32_t periods) noexcept;

}  // namespace otprof::cpu
