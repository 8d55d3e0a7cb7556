// SPDX-License-Identifier: Apache-2.0
//
// Which request a thread is working for, as instrumented code tells it: a thread-local pointer to a
// record with trace, span and attributes (OTEP 4947; standards.md section 5.1), and the labels of
// Polar Signals' custom-labels library (5.4).
//
// The agent defines the pointer, so that every module's reference binds to one slot; an executable's
// own definition comes first. Modules that have bound to a copy of their own are found by
// context_slots.h.
//
// Promises: a record is read only on the thread that writes it, interrupted or calling a hook, so
// that what is read is what was published at that very moment, or nothing. Nothing is read beyond
// the record's stated size, nor more than kMostAttributeBytes of attributes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

extern "C" {
// NULL: no context on this thread. Written by the thread itself only.
extern __attribute__((visibility("default"))) __thread void* otel_thread_ctx_v1;
}

namespace otprof::agent {

// A whole record of 640 bytes, the largest that the standard recommends.
inline constexpr std::size_t kMostAttributeBytes = 612;
// Of custom labels: what their own eBPF reader takes, 10 labels of 16 and 48 bytes.
inline constexpr std::size_t kMostCustomLabels = 10;
inline constexpr std::size_t kMostCustomKey = 16;
inline constexpr std::size_t kMostCustomValue = 48;

struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};  // W3C byte order; zeros: none
  std::array<std::uint8_t, 8> span_id{};
};

inline bool is_in_trace(const TraceContext& context) noexcept {
  return context.trace_id != std::array<std::uint8_t, 16>{};
}

// Where a thread-local pointer is, as its distance from the thread pointer; 0: nowhere. The same in
// every thread, because only variables in static thread-local storage are read.
using SlotOffset = std::intptr_t;
inline constexpr std::size_t kMostSlots = 8;

// The slots that are read after the agent's own, and custom_labels_current_set. Background thread,
// or the one that loads a module; handlers may be reading.
void read_slots_too(const std::array<SlotOffset, kMostSlots>& offsets) noexcept;
void read_custom_labels(SlotOffset offset) noexcept;
SlotOffset own_slot_offset() noexcept;

// What a thread has published, found but not copied yet. Valid until the handler or hook returns.
struct ThreadContext {
  TraceContext link;
  const unsigned char* attributes = nullptr;
  std::uint16_t attribute_bytes = 0;
  bool is_cut = false;  // there were more attributes
  const void* custom_labels = nullptr;
  // Of write_labels(): 0 when there are none.
  std::uint16_t label_bytes = 0;
};

// From a signal handler or a malloc hook, at any instruction of the writer. The thread must have a
// libc control block.
ThreadContext current_thread_context() noexcept;
inline TraceContext current_trace_context() noexcept { return current_thread_context().link; }

// Puts the labels into `to`, context.label_bytes bytes; sample_labels.h reads them. Same caller.
void write_labels(const ThreadContext& context, void* to) noexcept;

// How labels travel: two bytes, the size of the attributes and kLabelsCut; the attributes as they
// were published; then custom labels, each its key's and its value's size, a byte each, key, value.
inline constexpr std::uint16_t kLabelsCut = 0x8000;
inline constexpr std::size_t kLabelHeader = sizeof(std::uint16_t);
inline constexpr std::size_t kMostLabelBytes =
    kLabelHeader + kMostAttributeBytes +
    kMostCustomLabels * (2 + kMostCustomKey + kMostCustomValue);

}  // namespace otprof::agent
