// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/eh_frame.h"

namespace otprof::unwind {
namespace {

constexpr std::uint8_t kVersion = 1;

// A view of the table's (first pc, FDE) pairs, each number relative to the header's address.
class SearchTable {
 public:
  SearchTable(Bytes pairs, std::uint8_t format, std::uint64_t base) noexcept
      : pairs_(pairs), width_(format == kPointerSdata4 ? 4 : 8), base_(base) {}

  std::uint64_t count_limit() const noexcept { return pairs_.size() / (2 * width_); }
  std::uint64_t pc(std::uint64_t index) const noexcept { return number(2 * index); }
  std::uint64_t fde(std::uint64_t index) const noexcept { return number(2 * index + 1); }

 private:
  std::uint64_t number(std::uint64_t index) const noexcept {
    ByteReader reader(pairs_.subspan(index * width_));
    return base_ + reader.pointer_value(width_ == 4 ? kPointerSdata4 : kPointerSdata8);
  }

  Bytes pairs_;
  std::uint64_t width_;
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
  std::uint64_t count = reader.pointer(count_encoding, base);
  const std::uint8_t format = table_encoding & kPointerFormatMask;
  if (!reader.ok() || (table_encoding & ~kPointerFormatMask) != kPointerDataRelative ||
      (format != kPointerSdata4 && format != kPointerSdata8)) {
    return Lookup::kMalformed;
  }
  const SearchTable table(reader.rest(), format, base);
  if (count > table.count_limit()) return Lookup::kMalformed;

  // Invariant: every entry below `low` begins at or before pc, every entry from `count` on after it.
  std::uint64_t low = 0;
  while (low < count) {
    const std::uint64_t middle = low + (count - low) / 2;
    if (table.pc(middle) <= pc) {
      low = middle + 1;
    } else {
      count = middle;
    }
  }
  if (low == 0) return Lookup::kNothing;
  fde = table.fde(low - 1);
  return Lookup::kFound;
}

}  // namespace otprof::unwind
