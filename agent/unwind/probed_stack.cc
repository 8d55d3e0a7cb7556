// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: raw_syscall, is_readable.
#include "agent/unwind/probed_stack.h"

#include <signal.h>

#include <atomic>

#include "agent/raw_syscall.h"
#include "agent/unwind/readable.h"
#include "agent/unwind/stack_memory.h"

namespace otprof::unwind {
namespace {

constexpr std::uint64_t kPage = 4096;
// What a walk may need of the stack that it runs on, and then some.
constexpr std::uint64_t kRoom = 3072;

// Such a stack may be small, and the walk runs on it: an alternate stack of 8 KiB with two of the kernel's
// frames on it has no room left. Of an alternate stack the kernel knows where it begins, and nothing
// need be unmapped below that.
bool has_room() noexcept {
  const auto here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
  stack_t alternate{};
  if (agent::raw_syscall(SYS_sigaltstack, 0, agent::syscall_argument(&alternate)) != 0)
    return false;
  if ((alternate.ss_flags & SS_ONSTACK) != 0) {
    return here - reinterpret_cast<std::uint64_t>(alternate.ss_sp) >= kRoom;
  }
  return is_readable((here - kRoom) & ~(kPage - 1));
}

std::atomic<bool> never_probes{false};

}  // namespace

void never_probe_stacks() noexcept { never_probes.store(true, std::memory_order_relaxed); }

StackBounds ProbedStack::start(std::uint64_t sp) noexcept {
  const std::uint64_t page = sp & ~(kPage - 1);
  if (never_probes.load(std::memory_order_relaxed)) return {};
  if (sp % 8 != 0 || sp < 2 * kPage || !has_room() || !is_readable(page)) return {};
  std::uint64_t low = sp - kRedZone;
  if (low < page && !is_readable(low & ~(kPage - 1))) low = page;
  StackBounds bounds{low, page + kPage};
  extend(bounds, kFirstBytes);
  return bounds;
}

bool ProbedStack::grow(StackBounds& bounds) noexcept {
  const std::uint64_t taken = bounds.high - bounds.low;
  if (!has_more_ || taken >= kMostBytes) return false;
  const std::uintptr_t before = bounds.high;
  extend(bounds, 3 * taken);
  return bounds.high > before;
}

void ProbedStack::extend(StackBounds& bounds, std::uint64_t bytes) noexcept {
  const std::uint64_t wanted = bounds.high + bytes;
  has_more_ = true;
  while (bounds.high < wanted && has_more_) {
    has_more_ = is_readable(bounds.high);
    if (has_more_) bounds.high += kPage;
  }
}

}  // namespace otprof::unwind
