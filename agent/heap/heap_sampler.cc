// SPDX-License-Identifier: Apache-2.0
//
// Malloc hook side, from on_thread_end to on_moved. Calls allowed there: the vdso's clock_gettime,
// memcpy, memmove, __errno_location, the ring, the live table, the unwinder, and pthread_setspecific
// on a thread's first allocation. No system call on an ordinary thread: it may be in a strict seccomp
// sandbox.
#include "agent/heap/heap_sampler.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>

#include "agent/cpu/sampler.h"
#include "agent/cpu/stack_bounds.h"
#include "agent/heap/hook_scope.h"
#include "agent/heap/sampling.h"
#include "agent/raw_syscall.h"
#include "agent/thread_context.h"

extern "C" {
// The library's own code, from the linker. Frames in it are not the program's.
extern const char __ehdr_start __attribute__((visibility("hidden")));
extern const char etext __attribute__((visibility("hidden")));
}

namespace otprof::heap {

constinit thread_local std::uint32_t thread_mode = kOrdinary;

namespace {

using agent::raw_syscall;
using agent::syscall_argument;

HeapState* state = nullptr;
HeapSamplerConfig config;
agent::SampleMeter meter;
pthread_key_t thread_end_key;

// This thread's block, made on its first call; null: it counts with the crowd. A block that the
// kernel has wiped (this is a forked child) has no random state and belongs to nobody.
AllocationThread* own_thread() noexcept {
  AllocationThread* own = interpose::own_allocations;
  if (own != nullptr && own->random != 0) {
    return own;
  }
  interpose::own_allocations = nullptr;
  if ((thread_mode & kEnding) != 0) {
    return nullptr;
  }
  own = state->take_thread();
  if (own == nullptr) {
    return nullptr;
  }
  // Spread, so that neighbouring counts do not give neighbouring states.
  std::uint64_t count = state->threads_seeded.fetch_add(1, std::memory_order_relaxed);
  own->random = (state->seed.load(std::memory_order_relaxed) ^ next_random(count)) | 1U;
  draw_next(*own, 0, state->interval.load(std::memory_order_relaxed));
  const auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const unwind::StackBounds stack = cpu::own_stack_bounds(frame);
  note_stack(*own, stack.low, stack.high);
  interpose::own_allocations = own;
  pthread_setspecific(thread_end_key, own);
  return own;
}

// The thread ends, as far as libc is concerned; its thread-local storage stays valid for a while, and
// calls still come.
void on_thread_end(void* block) noexcept {
  auto* own = static_cast<AllocationThread*>(block);
  if (own != interpose::own_allocations) {
    return;  // wiped by a fork since
  }
  interpose::own_allocations = nullptr;
  thread_mode |= kEnding;
  draw_next(*own, 0, 1);
  note_stack(*own, 0, 0);
  state->give_back(own);
}

// Hooks, interposed function and capture_registers: room for this library's own frames.
constexpr std::uint32_t kOwnFrames = 8;

// The program's frames of the current stack, leaf first, kOwnFrames less than `capacity` at most; the
// frames of this library in front of them are dropped.
unwind::Walk walk_program(std::uint64_t* frames, std::uint32_t capacity) noexcept {
  unwind::Registers registers;
  unwind::capture_registers(registers);
  const unwind::StackBounds bounds = cpu::own_stack_bounds(registers[unwind::kRsp]);
  unwind::Walk walk = config.walk(registers, bounds, frames, capacity);
  std::uint32_t own = 0;
  while (own < walk.depth && is_own_code(frames[own])) {
    ++own;
  }
  walk.depth -= own;
  std::memmove(frames, frames + own, walk.depth * sizeof *frames);
  if (walk.depth > capacity - kOwnFrames) {
    walk = {capacity - kOwnFrames, unwind::StackEnd::kDepthLimit};
  }
  return walk;
}

// Enters it into the table of its kind. Before its record is published: a record whose number is in
// no table is of a block that has gone.
bool follow(const SampledBlock& block, std::uint64_t id) noexcept {
  const bool is_mapped = block.kind == BlockKind::kMapped;
  if (is_mapped
          ? state->mapped_blocks.insert(PageSpan::of(block.pointer, block.size), block.birth, id)
          : state->live.insert(block.pointer, id)) {
    return true;
  }
  state->not_followed.fetch_add(1, std::memory_order_relaxed);
  // The background thread thins the table out to match; until then fewer come in.
  std::uint64_t current = block.interval;
  (is_mapped ? state->mapped.interval : state->interval)
      .compare_exchange_strong(current, block.interval * 2, std::memory_order_relaxed);
  return false;
}

}  // namespace

bool is_own_code(std::uint64_t address) noexcept {
  return address - reinterpret_cast<std::uintptr_t>(&__ehdr_start) <
         static_cast<std::uint64_t>(&etext - &__ehdr_start);
}

[[gnu::noinline]] bool take_sample(const SampledBlock& block) noexcept {
  if (block.size < state->min_size.load(std::memory_order_relaxed)) {
    return false;
  }
  const agent::ThreadContext context = agent::current_thread_context();
  if (config.only_in_trace && !agent::is_in_trace(context.link)) {
    state->outside_trace.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const std::uint64_t begin = cpu::monotonic_ns();
  const std::uint32_t capacity = std::min(config.max_depth, cpu::depth_limit()) + kOwnFrames;
  const std::uint32_t label_words = agent::label_words(context.label_bytes);
  const std::uint32_t words = kHeapSampleWords + capacity + label_words;
  std::uint64_t* record = config.ring->reserve(words);
  if (record == nullptr) {
    state->lost_in_ring.fetch_add(1, std::memory_order_relaxed);
    state->lost_in_ring_bytes.fetch_add(block.size, std::memory_order_relaxed);
    return false;
  }
  HeapSample sample;
  const unwind::Walk walk = walk_program(record + kHeapSampleWords, capacity);
  sample.common.end = walk.end;
  sample.common.depth = static_cast<std::uint16_t>(walk.depth);
  sample.common.monotonic_ns = cpu::monotonic_ns();
  const auto own_frame = reinterpret_cast<std::uintptr_t>(&sample);
  sample.common.tid = cpu::current_tid(cpu::own_stack_bounds(own_frame).high != 0);
  sample.common.label_bytes = context.label_bytes;
  sample.common.trace_id = context.link.trace_id;
  sample.common.span_id = context.link.span_id;
  agent::write_labels(context, record + kHeapSampleWords + walk.depth);
  sample.address = reinterpret_cast<std::uintptr_t>(block.pointer);
  sample.size = block.size;
  sample.interval = block.interval;
  sample.kind = block.kind;
  const std::uint64_t id = state->samples.fetch_add(1, std::memory_order_relaxed) + 1;
  if (state->follow_frees.load(std::memory_order_relaxed) && follow(block, id)) {
    sample.id = id;
  }
  std::memcpy(record, static_cast<const void*>(&sample), sizeof sample);
  config.ring->commit(record, words, kHeapSampleWords + walk.depth + label_words);
  meter.count(cpu::monotonic_ns() - begin);
  return sample.id != 0;
}

namespace {

// Without a countdown each allocation is decided on its own, which has the same distribution.
void allocated_in_crowd(const void* pointer, std::size_t size) noexcept {
  state->crowd.allocations.fetch_add(1, std::memory_order_relaxed);
  state->crowd.bytes.fetch_add(size, std::memory_order_relaxed);
  const std::uint64_t interval = state->interval.load(std::memory_order_relaxed);
  std::uint64_t random = state->crowd.random.fetch_add(0x9e3779b97f4a7c15ULL);
  if (draw_countdown(random, interval) <= size) {
    take_sample({.pointer = pointer, .size = size, .interval = interval});
  }
}

void on_allocated(void* pointer, std::size_t size) noexcept {
  const HookScope scope;
  if (!scope) {
    return;
  }
  if (!state->is_on.load()) {
    interpose::own_allocations = nullptr;
    interpose::pass_through(true);
    if (state->is_on.load()) {
      interpose::pass_through(false);  // it was started between the two
    }
    return;
  }
  AllocationThread* own = own_thread();
  if (own == nullptr) {
    allocated_in_crowd(pointer, size);
    return;
  }
  ++own->allocations;
  if (own->bytes_left > size) {
    own->bytes_left -= size;
    return;
  }
  const std::uint64_t interval = own->interval;
  draw_next(*own, size, state->interval.load(std::memory_order_relaxed));
  take_sample({.pointer = pointer, .size = size, .interval = interval});
}

// A free is counted wherever it happens, also on a thread that never allocates.
void count_free() noexcept {
  if (!state->is_on.load(std::memory_order_acquire)) {
    return;
  }
  if (AllocationThread* own = own_thread()) {
    ++own->frees;
  } else {
    state->crowd.frees.fetch_add(1, std::memory_order_relaxed);
  }
}

void on_freeing(void* pointer) noexcept {
  const HookScope scope;
  // Whoever frees it, and whatever this thread is doing: the block goes away.
  state->live.remove(pointer);
  if (scope) {
    count_free();
  }
}

void* on_moving(void* pointer) noexcept { return state->live.begin_move(pointer); }

void on_moved(void* token, bool is_gone) noexcept {
  const HookScope scope;
  if (token != nullptr) {
    state->live.end_move(static_cast<LiveTable::Slot*>(token), is_gone);
  }
  if (is_gone && scope) {
    count_free();
  }
}

std::uint64_t random_seed() noexcept {
  std::uint64_t seed = 0;
  constexpr long kNonBlocking = 1;  // GRND_NONBLOCK
  if (raw_syscall(SYS_getrandom, syscall_argument(&seed), sizeof seed, kNonBlocking) !=
      static_cast<long>(sizeof seed)) {
    seed = cpu::monotonic_ns() ^ static_cast<std::uint64_t>(raw_syscall(SYS_getpid)) << 32U;
  }
  return seed;
}

}  // namespace

bool prepare_heap_sampler() noexcept {
  state = HeapState::create();
  if (state == nullptr || pthread_key_create(&thread_end_key, on_thread_end) != 0) {
    return false;
  }
  interpose::set_allocation_hooks(
      {.allocated = on_allocated, .freeing = on_freeing, .moving = on_moving, .moved = on_moved});
  return true;
}

void start_heap_sampler(const HeapSamplerConfig& new_config) noexcept {
  config = new_config;
  meter.set_limit(config.slow_ns);
  state->follow_frees.store(config.follow_frees, std::memory_order_relaxed);
  state->interval.store(config.interval, std::memory_order_relaxed);
  // It may have been raised since an earlier start, apart from the other.
  state->mapped.interval.store(
      std::max(config.interval, state->mapped.interval.load(std::memory_order_relaxed)),
      std::memory_order_relaxed);
  state->min_size.store(config.min_size, std::memory_order_relaxed);
  const std::uint64_t seed = config.seed != 0 ? config.seed : random_seed();
  state->seed.store(seed, std::memory_order_relaxed);
  state->crowd.random.store(~seed, std::memory_order_relaxed);
  std::uint64_t other_seed = seed;
  state->mapped.random.store(next_random(other_seed), std::memory_order_relaxed);
  state->is_on.store(true);
  interpose::pass_through(false);
}

void stop_heap_sampler() noexcept { state->is_on.store(false, std::memory_order_release); }

void forget_parent() noexcept {
  interpose::own_allocations = nullptr;
  thread_mode = kOrdinary;
}

void ignore_this_thread() noexcept { thread_mode |= kIgnored; }

agent::SampleMeter::Reading heap_sampling_cost() noexcept { return meter.read(); }

HeapState& heap_state() noexcept { return *state; }

}  // namespace otprof::heap
