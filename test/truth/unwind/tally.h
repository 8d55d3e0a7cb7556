// SPDX-License-Identifier: Apache-2.0
//
// Counts what the unwinders said at each instruction, by scenario, against the true stack.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "agent/unwind/unwinder.h"
#include "test/truth/unwind/known_limits.h"

namespace otprof::test {

inline constexpr std::uint32_t kMaxFrames = 512;

struct Counts {
  std::uint64_t instructions = 0;
  std::uint64_t complete = 0;         // walk_cfi() ended at the root
  std::uint64_t true_stacks = 0;      // walk_cfi()'s frames are the true ones
  std::uint64_t second_opinions = 0;  // walk_libunwind() was asked
  std::uint64_t agreed = 0;           // and gave the same frames
  std::uint64_t libunwind_wrong = 0;  // and differed from walk_cfi(), which has the true stack
  std::array<std::uint64_t, static_cast<std::size_t>(Limit::kCount)> limits{};
  std::array<std::uint64_t, static_cast<std::size_t>(unwind::StackEnd::kCount)> ends{};

  void add(const Counts& other);
};

// What was not as it should be at one instruction, and how often. The frames are those of the first
// time.
struct Finding {
  std::size_t scenario = 0;
  const char* what = nullptr;
  unwind::StackEnd end = unwind::StackEnd::kRoot;
  std::uint64_t pc = 0;
  std::uint64_t times = 0;
  std::array<std::uint64_t, 16> expected{};
  std::array<std::uint64_t, 16> actual{};
};

class Tally {
 public:
  explicit Tally(std::size_t scenario_count);

  // Allocates nothing: the thread under test may be stopped within malloc.
  void record(std::size_t scenario, const unwind::Registers& registers, unwind::StackBounds bounds,
              std::span<const std::uint64_t> truth, bool second_opinion);

  // Prints the table and the findings; whether the promises of the test were kept.
  bool report(std::uint64_t needed_instructions, bool with_frames) const;

 private:
  void keep(std::size_t scenario, const char* what, unwind::StackEnd end,
            std::span<const std::uint64_t> expected, std::span<const std::uint64_t> actual);

  KnownLimits known_limits_;
  std::vector<Counts> counts_;
  std::vector<Finding> findings_;
};

}  // namespace otprof::test
