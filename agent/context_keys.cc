// SPDX-License-Identifier: Apache-2.0
//
// Any thread, handlers included. Calls allowed here: memcpy, memcmp.
#include "agent/context_keys.h"

#include <array>
#include <atomic>
#include <cstring>

namespace otprof::agent {
namespace {

struct Entry {
  // 0: free; kBeingWritten; else the size of the name, which then never changes.
  std::atomic<std::uint32_t> size{0};
  std::array<char, kMostKeyBytes> name{};
};
constexpr std::uint32_t kBeingWritten = UINT32_MAX;

std::array<Entry, kMostContextKeys> entries;

}  // namespace

int context_key(std::string_view name) noexcept {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Entry& entry = entries[i];
    std::uint32_t size = entry.size.load(std::memory_order_acquire);
    if (size == 0 && entry.size.compare_exchange_strong(size, kBeingWritten)) {
      std::memcpy(entry.name.data(), name.data(), name.size());
      entry.size.store(static_cast<std::uint32_t>(name.size()), std::memory_order_release);
      return static_cast<int>(kFirstContextKey + i);
    }
    // One that another thread (or the code this handler interrupted) is writing cannot be waited
    // for. Should it be the same name, it gets a second key, which does no harm.
    if (size == name.size() && std::memcmp(entry.name.data(), name.data(), size) == 0) {
      return static_cast<int>(kFirstContextKey + i);
    }
  }
  return -1;
}

std::string_view context_key_name(std::uint8_t key) noexcept {
  if (key < kFirstContextKey) {
    return {};
  }
  const Entry& entry = entries[key - kFirstContextKey];
  const std::uint32_t size = entry.size.load(std::memory_order_acquire);
  return size == kBeingWritten ? std::string_view{} : std::string_view(entry.name.data(), size);
}

}  // namespace otprof::agent
