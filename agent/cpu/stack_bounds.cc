// SPDX-License-Identifier: Apache-2.0
//
// Handler side (own_stack_bounds). Calls allowed there: raw_syscall, and no other.
#include "agent/cpu/stack_bounds.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/auxv.h>

#include <atomic>
#include <cstddef>

#include "agent/raw_syscall.h"

extern "C" void* __libc_stack_end;  // NOLINT(bugprone-reserved-identifier): ld.so's name for it

namespace otprof::cpu {
namespace {

// The kernel keeps mmap'ed memory at least 128 MiB below the top of the main stack (mmap_base() in
// arch/x86/mm/mmap.c), so whatever lies in this range is the stack itself.
constexpr std::uintptr_t kMainStackReach = std::uintptr_t{100} << 20;
// glibc's control block on x86-64 is some 2300 bytes; the two words sit in its last third.
constexpr std::size_t kControlBlockBytes = 2304;
constexpr unsigned long kHwcap2FsGsBase = 1UL << 1;  // HWCAP2_FSGSBASE, linux >= 5.9

struct StackWords {
  std::uintptr_t lowest;
  std::size_t size;
};

std::atomic<std::size_t> words_offset{0};  // of the StackWords; 0: not found
std::atomic<std::size_t> tid_offset{0};    // of the kernel's thread id; 0: not found
std::atomic<bool> never_asks{false};
bool can_read_fs_base = false;

std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t base = 0;
  if (can_read_fs_base) {
    __asm__ volatile("rdfsbase %0" : "=r"(base));
  } else {
    agent::raw_syscall(SYS_arch_prctl, ARCH_GET_FS, agent::syscall_argument(&base));
  }
  return base;
}

// The block starts with its own address, twice (tcbhead_t.tcb and .self, x86-64 psABI TLS variant
// II): a thread pointer set up by another runtime does not pass.
bool is_control_block(std::uintptr_t base) noexcept {
  constexpr std::size_t kSelf = 2;
  const auto* words = reinterpret_cast<const std::uintptr_t*>(base);
  return base != 0 && base % alignof(std::uintptr_t) == 0 && words[0] == base &&
         words[kSelf] == base;
}

// Where in the block the thread's id is kept; 0 when it is in no place or in more than one.
std::size_t find_tid(std::uintptr_t base) noexcept {
  const auto tid = static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
  std::size_t found = 0;
  for (std::size_t at = sizeof(pid_t); at + sizeof(pid_t) <= kControlBlockBytes;
       at += sizeof(pid_t)) {
    if (*reinterpret_cast<const pid_t*>(base + at) == tid) {
      if (found != 0) {
        return 0;
      }
      found = at;
    }
  }
  return found;
}

bool holds(std::uintptr_t low, std::uintptr_t high, std::uintptr_t address) noexcept {
  return address >= low && address < high;
}

}  // namespace

bool calibrate_stack_bounds() noexcept {
  can_read_fs_base = (getauxval(AT_HWCAP2) & kHwcap2FsGsBase) != 0;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return false;
  }
  void* lowest = nullptr;
  std::size_t size = 0;
  std::size_t guard = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_getguardsize(&attributes, &guard);
  pthread_attr_destroy(&attributes);

  const std::uintptr_t base = thread_pointer();
  if (!is_control_block(base)) {
    return false;
  }
  tid_offset.store(find_tid(base), std::memory_order_release);
  const std::uintptr_t low = reinterpret_cast<std::uintptr_t>(lowest);
  for (std::size_t at = 0; at + sizeof(StackWords) <= kControlBlockBytes; at += sizeof(void*)) {
    const auto* words = reinterpret_cast<const StackWords*>(base + at);
    // Some releases count the guard as part of the stack, some do not.
    if ((words->lowest == low && words->size == size) ||
        (words->lowest == low - guard && words->size == size + guard)) {
      words_offset.store(at, std::memory_order_release);
      return true;
    }
  }
  return false;
}

unwind::StackBounds own_stack_bounds(std::uintptr_t stack_pointer) noexcept {
  const auto main_top = reinterpret_cast<std::uintptr_t>(__libc_stack_end);
  if (holds(main_top - kMainStackReach, main_top, stack_pointer)) {
    return {main_top - kMainStackReach, main_top};
  }
  const std::size_t offset = words_offset.load(std::memory_order_acquire);
  const std::uintptr_t base = thread_pointer();
  if (offset == 0 || !is_control_block(base)) {
    return {};
  }
  const auto* words = reinterpret_cast<const StackWords*>(base + offset);
  const std::uintptr_t high = words->lowest + words->size;
  if (words->lowest == 0 || !holds(words->lowest, high, stack_pointer)) {
    return {};
  }
  return {words->lowest, high};
}

pid_t current_tid(bool on_own_stack) noexcept {
  const std::size_t offset = tid_offset.load(std::memory_order_acquire);
  const bool may_ask = !never_asks.load(std::memory_order_relaxed);
  if (offset != 0 && (on_own_stack || (!may_ask && has_thread_locals()))) {
    return *reinterpret_cast<const pid_t*>(thread_pointer() + offset);
  }
  if (!may_ask) {
    return 0;
  }
  return static_cast<pid_t>(agent::raw_syscall(SYS_gettid));
}

bool asks_for_thread_pointer() noexcept { return !can_read_fs_base; }
void never_ask_for_tid() noexcept { never_asks.store(true, std::memory_order_relaxed); }

bool has_thread_locals() noexcept { return is_control_block(thread_pointer()); }

}  // namespace otprof::cpu
