// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include <cstring>

#include "agent/unwind/eh_frame.h"

namespace otprof::unwind {
namespace {

constexpr std::uint8_t kVersion = 1;

// A view of the table's (first pc, FDE) pairs, each number relative to the header's address.
template <typename Number>
class SearchTable {
 public:
  SearchTable(Bytes pairs, std::uint64_t base) noexcept : pairs_(pairs), base_(base) {}

  std::uint64_t count_limit() const noexcept { return pairs_.size() / (2 * sizeof(Number)); }

  // The last FDE of the first `count` that begins at or before pc.
  Lookup search(std::uint64_t count, std::uint64_t pc, std::uintptr_t& fde) const noexcept {
    if (count > count_limit()) return Lookup::kMalformed;
    // Invariant: every entry below `low` begins at or before pc, every entry from `count` on after.
    std::uint64_t low = 0;
    while (low < count) {
      const std::uint64_t middle = low + (count - low) / 2;
      if (number(2 * middle) <= pc) {
        low = middle + 1;
      } else {
        count = middle;
      }
    }
    if (low == 0) return Lookup::kNothing;
    fde = number(2 * (low - 1) + 1);
    return Lookup::kFound;
  }

 private:
  std::uint64_t number(std::uint64_t index) const noexcept {
    Number value;
    std::memcpy(&value, &pairs_[index * sizeof(Number)], sizeof value);
    return base_ + static_cast<std::uint64_t>(std::int64_t{value});
  }

  Bytes pairs_;
  std::uint64_t base_;
};

}  // namespace

Lookup search_eh_frame_hdr(Bytes header, std::uint64_t pc, std::uintptr_t& fde) noexcept {
  const std::uint64_t base = reinterpret_cast<std::uintptr_t>(header.data());
  ByteReader reader(header);
  const std::uint8_t version = reader.u8();
  const std::uint8_t eh_frame_encoding = reader.u8();
  const std::uint8_t count_encoding = reader.u8();
  const std::uint8_t table_encoding = reader.u8();
  if (!reader.ok() || version != kVersion) return Lookup::kMalformed;
  if (count_encoding == kPointerOmitted || table_encoding == kPointerOmitted) {
    return Lookup::kNothing;
  }
  reader.pointer_value(eh_frame_encoding);
  const std::uint64_t count = reader.pointer(count_encoding, base);
  if (!reader.ok()) return Lookup::kMalformed;
  switch (table_encoding) {
    case kPointerDataRelative | kPointerSdata4:
      return SearchTable<std::int32_t>(reader.rest(), base).search(count, pc, fde);
    case kPointerDataRelative | kPointerSdata8:
      return SearchTable<std::int64_t>(reader.rest(), base).search(count, pc, fde);
    default: return Lookup::kMalformed;
  }
}

}  // namespace otprof::unwind
