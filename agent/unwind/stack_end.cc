// SPDX-License-Identifier: Apache-2.0
// Usable from anywhere. Calls: none.
#include <array>

#include "agent/unwind/unwinder.h"

namespace otprof::unwind {
namespace {

constexpr std::array<const char*, static_cast<std::size_t>(StackEnd::kCount)> kNames = {
    "root",      "depth_limit",   "foreign_stack", "no_module", "no_unwind_info", "bad_unwind_info",
    "bad_frame", "lost_register", "null_pc"};

}  // namespace

const char* stack_end_name(StackEnd end) noexcept {
  const auto index = static_cast<std::size_t>(end);
  return index < kNames.size() ? kNames[index] : "unknown";
}

}  // namespace otprof::unwind
