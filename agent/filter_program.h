// SPDX-License-Identifier: Apache-2.0
//
// What a seccomp filter will do with a system call, found out before the filter is in force: its program is
// run here as the kernel would run it.
//
// Pure, but for the check that the program can be read at all. Any thread.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>

namespace otprof::agent {

// SECCOMP_RET_..., with its data, for x86-64's call `number` with arguments that are all zero. A program
// that the kernel would refuse gives SECCOMP_RET_KILL_PROCESS.
std::uint32_t filter_verdict(std::span<const sock_filter> program, long number) noexcept;

// True when the kernel will make the call as if there were no filter.
bool lets_through(std::span<const sock_filter> program, long number) noexcept;

// Empty when the kernel would not be able to read it either, and so will not put it in force. The check is a
// system call.
std::span<const sock_filter> readable_filter(const sock_fprog* filter) noexcept;

}  // namespace otprof::agent
