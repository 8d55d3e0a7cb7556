// SPDX-License-Identifier: Apache-2.0
//
// Mapping hook side, all but the functions at the end. Calls allowed there: those of take_sample().
#include "agent/heap/mapping_sampler.h"

#include <sys/mman.h>

#include "agent/heap/heap_sampler.h"
#include "agent/heap/hook_scope.h"
#include "agent/heap/mapped_blocks.h"
#include "agent/heap/sampling.h"
#include "agent/unwind/module.h"
#include "interpose/allocation_hooks.h"
#include "interpose/mapping_hooks.h"

namespace otprof::heap {
namespace {

using interpose::MappingCall;

bool has_hooks = false;
// The module whose mappings malloc's blocks are made of.
unwind::Module allocator;

// So many ranges are kept of blocks that are not sampled, for mremap to be understood.
constexpr std::size_t kMostUnsampled = MappedBlocks::kSlots / 8;

bool is_the_program(const void* caller) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  return !is_own_code(address) && (address < allocator.map_start || address >= allocator.map_end);
}

// The kernel maps huge pages whole. Without a size among the flags it takes its default, 2 MiB on
// nearly every machine.
PageSpan mapped_pages(const void* address, std::size_t length, int flags) noexcept {
  constexpr unsigned kDefaultShift = 21;
  if ((flags & MAP_HUGETLB) != 0) {
    const auto wanted = static_cast<unsigned>(flags) >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
    const std::size_t huge = std::size_t{1} << (wanted != 0 ? wanted : kDefaultShift);
    std::size_t rounded = 0;
    if (!__builtin_add_overflow(length, huge - 1, &rounded)) {
      length = rounded & ~(huge - 1);
    }
  }
  return PageSpan::of(address, length);
}

// Each block is decided on by itself, with the probability that a countdown would give it.
void add_block(const void* address, PageSpan pages, std::uint64_t birth) noexcept {
  HeapState& state = heap_state();
  const HookScope scope;
  if (!scope || !state.is_on.load()) {
    return;
  }
  state.mapped.calls.fetch_add(1, std::memory_order_relaxed);
  state.mapped.bytes.fetch_add(pages.bytes(), std::memory_order_relaxed);
  const std::uint64_t interval = state.mapped.interval.load(std::memory_order_relaxed);
  std::uint64_t random = state.mapped.random.fetch_add(0x9e3779b97f4a7c15ULL);
  if (draw_countdown(random, interval) <= pages.bytes() && take_sample({.pointer = address,
                                                                        .size = pages.bytes(),
                                                                        .interval = interval,
                                                                        .kind = BlockKind::kMapped,
                                                                        .birth = birth})) {
    return;
  }
  if (state.mapped_blocks.size() < kMostUnsampled) {
    state.mapped_blocks.insert(pages, birth, 0);
  }
}

void on_begin(MappingCall& call, const void* old) noexcept {
  call.is_inner = (thread_mode & kMapping) != 0;
  if (call.is_inner || !is_the_program(call.caller)) {
    call.is_inner = true;
    return;
  }
  thread_mode |= kMapping;
  const MappedBlocks& blocks = heap_state().mapped_blocks;
  call.moment = blocks.moment();
  if (old != nullptr) {
    call.is_known = blocks.holds(PageSpan::of(old, 1).first, call.moment);
  }
}

// False: the call is not one to look at.
bool ends(const MappingCall& call, bool is_done) noexcept {
  if (call.is_inner) {
    return false;
  }
  thread_mode &= ~static_cast<std::uint32_t>(kMapping);
  return is_done;
}

void on_mapped(const MappingCall& call, void* result, std::size_t length, int protection,
               int flags) noexcept {
  if (!ends(call, result != MAP_FAILED)) {
    return;
  }
  MappedBlocks& blocks = heap_state().mapped_blocks;
  const PageSpan pages = mapped_pages(result, length, flags);
  // What was there has been replaced (MAP_FIXED), or was unmapped past these hooks.
  const std::uint64_t birth = blocks.new_birth();
  blocks.cut(pages, birth - 1);
  if ((flags & MAP_ANONYMOUS) != 0 && protection != PROT_NONE) {
    add_block(result, pages, birth);
  }
}

void on_unmapped(const MappingCall& call, bool is_done, void* address,
                 std::size_t length) noexcept {
  if (ends(call, is_done)) {
    heap_state().mapped_blocks.cut(PageSpan::of(address, length), call.moment);
  }
}

// Like realloc: a block that grows or moves ends, and one of the whole new size begins.
void on_remapped(const MappingCall& call, void* old, std::size_t old_length, void* result,
                 std::size_t length, int flags) noexcept {
  if (!ends(call, result != MAP_FAILED)) {
    return;
  }
  HeapState& state = heap_state();
  MappedBlocks& blocks = state.mapped_blocks;
  const PageSpan before = PageSpan::of(old, old_length);
  const PageSpan after = PageSpan::of(result, length);
  if (result == old && after.end <= before.end) {
    blocks.cut({after.end, before.end}, call.moment);
    return;
  }
  if ((flags & MREMAP_DONTUNMAP) == 0) {
    blocks.cut(before, call.moment);
  }
  const std::uint64_t birth = blocks.new_birth();
  blocks.cut(after, birth - 1);
  // From a length of 0 shared memory is mapped a second time, which makes it no more.
  if (call.is_known && old_length != 0) {
    add_block(result, after, birth);
  } else if (after.bytes() > before.bytes() && blocks.size() >= kMostUnsampled) {
    state.mapped.unknown_growth.fetch_add(1, std::memory_order_relaxed);
  }
}

constexpr interpose::MappingHooks kHooks = {
    .begin = on_begin, .mapped = on_mapped, .unmapped = on_unmapped, .remapped = on_remapped};

}  // namespace

void prepare_mapping_sampler() noexcept {
  const void* code = interpose::allocator_code();
  if (code == nullptr || !unwind::find_object(reinterpret_cast<std::uintptr_t>(code), allocator)) {
    allocator = {};
  }
  has_hooks = true;
  interpose::set_mapping_hooks(kHooks);
}

bool samples_mappings() noexcept { return has_hooks; }

}  // namespace otprof::heap
