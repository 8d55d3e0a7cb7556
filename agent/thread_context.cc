// SPDX-License-Identifier: Apache-2.0
//
// Handler and hook side, all but read_slots_too, read_custom_labels and own_slot_offset. Calls
// allowed there: memcpy.
#include "agent/thread_context.h"

#include <algorithm>
#include <atomic>
#include <cstring>

__thread void* otel_thread_ctx_v1 = nullptr;

namespace otprof::agent {
namespace {

// Offsets in the record. Its writer is this very thread, interrupted or calling us, so the order in
// which its stores become visible is the order of its instructions.
constexpr std::size_t kSpanId = 16;
constexpr std::size_t kValid = 24;
constexpr std::size_t kAttributeBytes = 26;
constexpr std::size_t kAttributes = 28;
constexpr unsigned char kUsable = 1;
// No program has anything mapped below: such a pointer was never one.
constexpr std::uintptr_t kLowestAddress = 4096;

// Custom labels, ABI version 1, on a 64-bit machine.
struct CustomText {
  std::size_t size;
  const unsigned char* bytes;
};
struct CustomLabel {
  CustomText key;  // without bytes: being changed, or removed
  CustomText value;
};
struct CustomLabelSet {
  const CustomLabel* storage;
  std::size_t count;
};

std::array<std::atomic<SlotOffset>, kMostSlots> other_slots{};
std::atomic<SlotOffset> custom_labels_slot{0};

std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t base = 0;
  __asm__("mov %%fs:0, %0" : "=r"(base));
  return base;
}

void* pointer_at(SlotOffset offset) noexcept {
  return *reinterpret_cast<void* volatile*>(thread_pointer() + static_cast<std::uintptr_t>(offset));
}

const unsigned char* usable(void* pointer) noexcept {
  const auto* record = static_cast<const unsigned char*>(pointer);
  if (reinterpret_cast<std::uintptr_t>(record) < kLowestAddress ||
      *(const_cast<const volatile unsigned char*>(record) + kValid) != kUsable) {
    return nullptr;
  }
  return record;
}

const unsigned char* published_record() noexcept {
  const unsigned char* record = usable(*const_cast<void* volatile*>(&otel_thread_ctx_v1));
  for (std::size_t i = 0; record == nullptr && i < kMostSlots; ++i) {
    const SlotOffset offset = other_slots[i].load(std::memory_order_relaxed);
    if (offset == 0) {
      break;
    }
    record = usable(pointer_at(offset));
  }
  return record;
}

template <std::size_t N>
bool is_zero(const std::array<std::uint8_t, N>& id) noexcept {
  return std::all_of(id.begin(), id.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Calls take(label, key size, value size) for each label that counts.
template <typename Take>
void each_custom_label(const void* set, Take&& take) noexcept {
  const auto* labels = static_cast<const CustomLabelSet*>(set);
  const std::size_t count = std::min(labels->count, kMostCustomLabels);
  for (std::size_t i = 0; labels->storage != nullptr && i < count; ++i) {
    const CustomLabel& label = labels->storage[i];
    if (label.key.bytes != nullptr && label.value.bytes != nullptr) {
      take(label, std::min(label.key.size, kMostCustomKey),
           std::min(label.value.size, kMostCustomValue));
    }
  }
}

}  // namespace

void read_slots_too(const std::array<SlotOffset, kMostSlots>& offsets) noexcept {
  for (std::size_t i = 0; i < kMostSlots; ++i) {
    other_slots[i].store(offsets[i], std::memory_order_relaxed);
  }
}

void read_custom_labels(SlotOffset offset) noexcept {
  custom_labels_slot.store(offset, std::memory_order_relaxed);
}

SlotOffset own_slot_offset() noexcept {
  return static_cast<SlotOffset>(reinterpret_cast<std::uintptr_t>(&otel_thread_ctx_v1) -
                                 thread_pointer());
}

ThreadContext current_thread_context() noexcept {
  ThreadContext context;
  std::size_t label_bytes = 0;
  if (const unsigned char* record = published_record()) {
    std::memcpy(context.link.trace_id.data(), record, context.link.trace_id.size());
    std::memcpy(context.link.span_id.data(), record + kSpanId, context.link.span_id.size());
    // Set together or not at all.
    if (is_zero(context.link.trace_id) || is_zero(context.link.span_id)) {
      context.link = {};
    }
    std::uint16_t bytes = 0;
    std::memcpy(&bytes, record + kAttributeBytes, sizeof bytes);
    context.is_cut = bytes > kMostAttributeBytes;
    context.attributes = record + kAttributes;
    context.attribute_bytes = std::min(bytes, static_cast<std::uint16_t>(kMostAttributeBytes));
    label_bytes += context.attribute_bytes;
  }
  const SlotOffset offset = custom_labels_slot.load(std::memory_order_relaxed);
  const void* labels = offset != 0 ? pointer_at(offset) : nullptr;
  if (reinterpret_cast<std::uintptr_t>(labels) >= kLowestAddress) {
    context.custom_labels = labels;
    each_custom_label(labels, [&](const CustomLabel&, std::size_t key, std::size_t value) {
      label_bytes += 2 + key + value;
    });
  }
  context.label_bytes =
      static_cast<std::uint16_t>(label_bytes == 0 ? 0 : label_bytes + kLabelHeader);
  return context;
}

void write_labels(const ThreadContext& context, void* to) noexcept {
  if (context.label_bytes == 0) {
    return;
  }
  auto* at = static_cast<unsigned char*>(to);
  const auto header =
      static_cast<std::uint16_t>(context.attribute_bytes | (context.is_cut ? kLabelsCut : 0U));
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + kLabelHeader, context.attributes, context.attribute_bytes);
  at += kLabelHeader + context.attribute_bytes;
  if (context.custom_labels != nullptr) {
    each_custom_label(context.custom_labels,
                      [&](const CustomLabel& label, std::size_t key, std::size_t value) {
                        *at++ = static_cast<unsigned char>(key);
                        *at++ = static_cast<unsigned char>(value);
                        std::memcpy(at, label.key.bytes, key);
                        std::memcpy(at + key, label.value.bytes, value);
                        at += key + value;
                      });
  }
}

}  // namespace otprof::agent
