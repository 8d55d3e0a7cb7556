// SPDX-License-Identifier: Apache-2.0
//
// The usual CfiRow in one 64-bit word: what the rule cache holds and the fast step executes. A row is
// packed only if the word says exactly the same; everything else stays a row and takes the slow step.
// Plain data; usable from a signal handler and a malloc hook.
//
//   bits  0-3   kind: the CFA's base register by DWARF number, or one of PackedKind
//   bits  4-45  six fields of 7 bits, for rbx rbp r12 r13 r14 r15: 0 = keeps its value,
//               n = saved at slot_base - 8 n
//   bits 46-63  signed: offset / 8
//
// With a base register: CFA = register + offset, slot_base = CFA - 8.
// kRealigned: CFA = *(rbp + offset), slot_base = rbp + 8. (What compilers emit for a function that
// realigns its stack: rbp points at the saved rbp, and the address of the arguments is saved below.)
// The return address is at CFA - 8, and the caller's rsp is the CFA.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "agent/unwind/byte_reader.h"
#include "agent/unwind/cfi_row.h"

namespace otprof::unwind {

// Numbers of caller-saved registers, which are never the base of a packed rule.
enum PackedKind : unsigned { kEmptyRule = 0, kRootRule = 1, kRealignedRule = 2 };

inline constexpr std::array<unsigned, 6> kPackedRegisters = {kRbx, kRbp, kR12, kR13, kR14, kR15};

class PackedRule {
 public:
  static constexpr unsigned kFieldBits = 7;
  static constexpr unsigned kMaxField = (1U << kFieldBits) - 1;
  // How far below slot_base the fields of any rule reach, in bytes, and those of a usual one.
  static constexpr std::uint64_t kReach = 8 * kMaxField;
  static constexpr std::uint64_t kUsualReach = 8 * 7;

  constexpr PackedRule() noexcept = default;
  explicit constexpr PackedRule(std::uint64_t word) noexcept : word_(word) {}

  // CFA = register + offset and nothing saved. `offset` is a multiple of 8 within +-1 MiB.
  static constexpr PackedRule with_base(unsigned reg, std::int64_t offset) noexcept {
    return PackedRule(reg | static_cast<std::uint64_t>(offset / 8) << kOffsetShift);
  }

  constexpr bool operator==(const PackedRule&) const noexcept = default;
  constexpr std::uint64_t word() const noexcept { return word_; }
  constexpr unsigned kind() const noexcept { return word_ & 15; }
  constexpr bool has_base_register() const noexcept { return kind() > kRealignedRule; }
  constexpr std::int64_t offset() const noexcept {
    return (static_cast<std::int64_t>(word_) >> kOffsetShift) * 8;
  }
  constexpr std::uint64_t field(unsigned index) const noexcept {
    return word_ >> (kFieldShift + index * kFieldBits) & kMaxField;
  }
  constexpr std::uint64_t reach() const noexcept {
    return (word_ & kUnusualFields) != 0 ? kReach : kUsualReach;
  }

 private:
  friend std::optional<PackedRule> pack_rule(const CfiRow& row, Bytes section,
                                             bool signal_frame) noexcept;
  static constexpr unsigned kFieldShift = 4;
  static constexpr unsigned kOffsetShift = kFieldShift + 6 * kFieldBits;
  static constexpr std::int64_t kMaxOffset = (std::int64_t{1} << 17) - 1;  // in slots
  static constexpr std::uint64_t kUnusualFields =
      0b1111000'1111000'1111000'1111000'1111000'1111000ULL << kFieldShift;

  std::uint64_t word_ = 0;
};

// The state in which every function begins: CFA = rsp + 8, nothing saved but the return address.
inline constexpr PackedRule kEntryRule = PackedRule::with_base(kRsp, 8);

// Nothing if the word cannot say what the row says. `section` holds the row's expressions.
std::optional<PackedRule> pack_rule(const CfiRow& row, Bytes section, bool signal_frame) noexcept;

}  // namespace otprof::unwind
