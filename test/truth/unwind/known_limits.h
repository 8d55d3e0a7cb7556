// SPDX-License-Identifier: Apache-2.0
//
// Where no unwinder that goes by the tables can find the true stack, each as narrow as it can be
// told. The stepping check lets walk_cfi() off only here, and only if libunwind fails as well.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/unwind/registers.h"

namespace otprof::test {

enum class Limit : std::uint8_t {
  kNone,
  kInstallingContext,  // libgcc writes the registers of the catching frame over those that it saved
  kJumping,            // longjmp's tables describe the context that it jumps to
  kJustCloned,         // a new thread's first instructions share the tables of the parent's return
  kWithoutTables,      // the code has no tables at all
  kCount,
};
const char* limit_name(Limit limit);

class KnownLimits {
 public:
  KnownLimits();

  // `truth` is the true stack of a thread with these registers.
  Limit at(const unwind::Registers& registers, std::span<const std::uint64_t> truth) const;

 private:
  struct Range {
    std::uint64_t begin;
    std::uint64_t end;
  };
  bool installs_context(std::uint64_t pc) const;

  std::vector<Range> context_installers_;
};

}  // namespace otprof::test
