// SPDX-License-Identifier: Apache-2.0
//
// The part of the stack that a walk may read. The only way in which the unwinder loads from memory
// that is not a module's read-only table or code: whatever is outside [low, high) is never touched.
// Usable from a signal handler and a malloc hook; calls nothing.
#pragma once

#include <cstdint>

namespace otprof::unwind {

// What the System V ABI leaves to a leaf function below its stack pointer; signal frames skip it. A
// register that an epilogue has just popped is still there, and the tables may still point at it.
inline constexpr std::uintptr_t kRedZone = 128;

class StackMemory {
 public:
  StackMemory(std::uintptr_t low, std::uintptr_t high) noexcept : low_(low), high_(high) {}

  std::uintptr_t low() const noexcept { return low_; }
  std::uintptr_t high() const noexcept { return high_; }

  bool contains(std::uint64_t address, std::uint64_t size) const noexcept {
    return address >= low_ && address < high_ && high_ - address >= size;
  }

  // An aligned 8-byte slot.
  bool read(std::uint64_t address, std::uint64_t& value) const noexcept {
    if (address % 8 != 0 || !contains(address, 8)) return false;
    value = *reinterpret_cast<const std::uint64_t*>(address);
    return true;
  }

 private:
  std::uintptr_t low_;
  std::uintptr_t high_;
};

}  // namespace otprof::unwind
