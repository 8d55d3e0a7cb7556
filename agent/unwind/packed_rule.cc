// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: none.
#include "agent/unwind/packed_rule.h"

namespace otprof::unwind {
namespace {

constexpr std::uint8_t kOpBregRbp = 0x70 + kRbp;
constexpr std::uint8_t kOpDeref = 0x06;

// The offset in "breg rbp, offset" (with a dereference at the end or without), if that is all there is.
std::optional<std::int64_t> rbp_offset(Bytes section, std::int32_t place,
                                       bool dereferenced) noexcept {
  ByteReader reader(section.subspan(static_cast<std::size_t>(place)));
  ByteReader expression(reader.take(reader.uleb()));
  if (expression.u8() != kOpBregRbp) return std::nullopt;
  const std::int64_t offset = expression.sleb();
  if (dereferenced && expression.u8() != kOpDeref) return std::nullopt;
  if (!reader.ok() || !expression.ok() || !expression.at_end()) return std::nullopt;
  return offset;
}

constexpr bool is_packed_register(unsigned reg) noexcept {
  for (const unsigned packed : kPackedRegisters) {
    if (reg == packed) return true;
  }
  return false;
}

// The registers that the word has no place for, which must have no rule.
constexpr std::array kOtherRegisters = {kRax, kRdx, kRcx, kRsi, kRdi, kRsp, kR8, kR9, kR10, kR11};
static_assert(kOtherRegisters.size() + kPackedRegisters.size() == kRip);

bool others_unspecified(const CfiRow& row) noexcept {
  unsigned kinds = 0;
  for (const unsigned reg : kOtherRegisters) kinds |= static_cast<unsigned>(row.rule[reg]);
  return kinds == static_cast<unsigned>(RuleKind::kUnspecified);
}

}  // namespace

std::optional<PackedRule> pack_rule(const CfiRow& row, Bytes section, bool signal_frame) noexcept {
  if (signal_frame) return std::nullopt;
  if (row.rule[kRip] == RuleKind::kUndefined) return PackedRule(kRootRule);
  if (row.rule[kRip] != RuleKind::kAtCfa || row.operand[kRip] != -8) return std::nullopt;
  if (!others_unspecified(row)) return std::nullopt;

  std::uint64_t word = 0;
  std::int64_t offset = 0;
  const bool realigned = row.cfa_kind == CfaKind::kExpression;
  if (realigned) {
    const auto at = rbp_offset(section, row.cfa_operand, true);
    if (!at) return std::nullopt;
    word = kRealignedRule;
    offset = *at;
  } else {
    const unsigned base = row.cfa_register;
    if (base != kRsp && !is_packed_register(base)) return std::nullopt;
    word = base;
    offset = row.cfa_operand;
  }
  if (offset % 8 != 0 || offset / 8 > PackedRule::kMaxOffset ||
      offset / 8 < -PackedRule::kMaxOffset) {
    return std::nullopt;
  }
  word |= static_cast<std::uint64_t>(offset / 8) << PackedRule::kOffsetShift;

  for (unsigned i = 0; i < kPackedRegisters.size(); ++i) {
    const unsigned reg = kPackedRegisters[i];
    std::int64_t below_base = 0;  // bytes
    switch (row.rule[reg]) {
      case RuleKind::kUnspecified:
      case RuleKind::kSame: continue;
      case RuleKind::kAtCfa:
        if (realigned) return std::nullopt;
        below_base = -8 - std::int64_t{row.operand[reg]};
        break;
      case RuleKind::kAtExpression: {
        if (!realigned) return std::nullopt;
        const auto at = rbp_offset(section, row.operand[reg], false);
        if (!at) return std::nullopt;
        below_base = 8 - *at;
        break;
      }
      default: return std::nullopt;
    }
    if (below_base % 8 != 0 || below_base < 8 || below_base > std::int64_t{PackedRule::kReach}) {
      return std::nullopt;
    }
    word |= static_cast<std::uint64_t>(below_base / 8)
            << (PackedRule::kFieldShift + i * PackedRule::kFieldBits);
  }
  return PackedRule(word);
}

}  // namespace otprof::unwind
