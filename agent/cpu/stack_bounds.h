// SPDX-License-Identifier: Apache-2.0
//
// Where the current thread's own stack lies, learned without a lock, a call or a hook, so that it is
// known at a thread's very first sample.
//
// How: glibc keeps the lowest address and the size of a thread's stack in two neighbouring words of
// the thread's control block. Where in the block is no public fact, so it is found once, by looking
// for the known bounds of a thread of ours in that thread's own block. The main thread's stack ends
// at the address ld.so publishes as __libc_stack_end.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "agent/unwind/unwinder.h"

namespace otprof::cpu {

// Once, on the agent's own thread, before the first sample. False: the words were not found (a libc
// of another layout); then stacks of threads other than main are reported as foreign.
bool calibrate_stack_bounds() noexcept;

// The stack of the current thread if `stack_pointer` is on it, else {0, 0}: a coroutine, an
// alternate signal stack, a thread without a glibc control block. Signal handler or malloc hook; makes at most one
// system call, where the CPU or the kernel does not let a program read its thread pointer.
unwind::StackBounds own_stack_bounds(std::uintptr_t stack_pointer) noexcept;

// The kernel's id of the current thread. From the control block where there is one and
// `on_own_stack` (a raw clone may share its parent's block, but never its stack), else by a system
// call: a thread in a strict seccomp sandbox must not be made to make one. Signal handler.
pid_t current_tid(bool on_own_stack) noexcept;

// Where that system call is needed, for the thread pointer of each thread. After calibration.
bool asks_for_thread_pointer() noexcept;

// From now on no system call is made to learn a thread's id: unless its control block tells, it is 0.
// Any thread.
void never_ask_for_tid() noexcept;

// True when the current thread has a libc control block, so that thread-local variables may be
// touched: threads made by raw clone may have none, or one of another runtime. Signal handler.
bool has_thread_locals() noexcept;

}  // namespace otprof::cpu
