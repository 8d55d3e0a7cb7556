// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks. Calls: _dl_find_object (module.cc).
#include "agent/unwind/call_site.h"

namespace otprof::unwind {
namespace {

constexpr std::uint8_t kCallRelative = 0xe8;
constexpr std::size_t kRelativeCallSize = 5;
constexpr std::uint8_t kGroup5 = 0xff;  // call r/m64 is its member /2

// The bytes that ModRM, SIB and displacement take (Intel SDM vol. 2, tables 2-2 and 2-3).
std::size_t operand_size(Bytes modrm) noexcept {
  const unsigned mod = modrm[0] >> 6;
  const unsigned rm = modrm[0] & 7;
  if (mod == 3) return 1;
  const bool has_sib = rm == 4;
  std::size_t displacement = mod == 1 ? 1 : mod == 2 ? 4 : 0;
  if (mod == 0) {
    if (rm == 5) displacement = 4;
    if (has_sib && modrm.size() > 1 && (modrm[1] & 7) == 5) displacement = 4;
  }
  return 1 + (has_sib ? 1 : 0) + displacement;
}

}  // namespace

bool ends_with_call(Bytes code) noexcept {
  const std::size_t size = code.size();
  if (size >= kRelativeCallSize && code[size - kRelativeCallSize] == kCallRelative) return true;
  for (std::size_t length = 2; length <= 7 && length <= size; ++length) {
    const Bytes instruction = code.last(length);
    if (instruction[0] != kGroup5 || (instruction[1] >> 3 & 7) != 2) continue;
    if (operand_size(instruction.subspan(1)) == length - 1) return true;
  }
  return false;
}

CallSite find_call_site(std::uint64_t return_address) noexcept {
  Module module;
  if (!find_object(return_address, module)) return {ReturnAddress::kNoModule, 0};
  const Bytes segment = code_segment(module, return_address);
  if (segment.empty()) return {ReturnAddress::kNo, 0};
  const Bytes code =
      segment.first(return_address - reinterpret_cast<std::uintptr_t>(segment.data()));
  if (!ends_with_call(code)) return {ReturnAddress::kNo, 0};
  CallSite site{ReturnAddress::kAfterCall, 0};
  if (code.size() >= kRelativeCallSize && code[code.size() - kRelativeCallSize] == kCallRelative) {
    ByteReader displacement(code.last(kRelativeCallSize - 1));
    site.direct_target = return_address + static_cast<std::uint64_t>(
                                              std::int64_t{displacement.fixed<std::int32_t>()});
  }
  return site;
}

Bytes code_from(std::uint64_t address) noexcept {
  Module module;
  if (!find_object(address, module)) return {};
  const Bytes segment = code_segment(module, address);
  if (segment.empty()) return {};
  return segment.subspan(address - reinterpret_cast<std::uintptr_t>(segment.data()));
}

}  // namespace otprof::unwind
