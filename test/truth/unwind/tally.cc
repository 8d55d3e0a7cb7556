// SPDX-License-Identifier: Apache-2.0
#include "test/truth/unwind/tally.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "agent/unwind/libunwind_walker.h"
#include "test/truth/unwind/scenarios.h"

namespace otprof::test {
namespace {

using unwind::StackEnd;

constexpr std::size_t kMaxFindings = 1000;
constexpr double kNeededComplete = 0.999;

void print_address(std::uint64_t address) {
  Dl_info info{};
  dladdr(reinterpret_cast<void*>(address), &info);
  const char* file = info.dli_fname != nullptr ? info.dli_fname : "?";
  const char* slash = std::strrchr(file, '/');
  std::printf("%s+0x%lx %s\n", slash != nullptr ? slash + 1 : file,
              address - reinterpret_cast<std::uint64_t>(info.dli_fbase),
              info.dli_sname != nullptr ? info.dli_sname : "");
}

void print_frames(const char* title, std::span<const std::uint64_t> frames) {
  std::printf("    %s\n", title);
  for (const std::uint64_t frame : frames) {
    if (frame == 0) break;
    std::printf("      ");
    print_address(frame);
  }
}

void print_row(const char* name, const Counts& counts) {
  std::printf("%-26s %9lu %9lu %9lu %9lu %9lu %8lu\n", name, counts.instructions, counts.complete,
              counts.true_stacks, counts.second_opinions, counts.agreed, counts.libunwind_wrong);
}

}  // namespace

void Counts::add(const Counts& other) {
  instructions += other.instructions;
  complete += other.complete;
  true_stacks += other.true_stacks;
  second_opinions += other.second_opinions;
  agreed += other.agreed;
  libunwind_wrong += other.libunwind_wrong;
  for (std::size_t i = 0; i < limits.size(); ++i) limits[i] += other.limits[i];
  for (std::size_t i = 0; i < ends.size(); ++i) ends[i] += other.ends[i];
}

Tally::Tally(std::size_t scenario_count) : counts_(scenario_count) {
  findings_.reserve(kMaxFindings);
}

void Tally::keep(std::size_t scenario, const char* what, StackEnd end,
                 std::span<const std::uint64_t> expected, std::span<const std::uint64_t> actual) {
  const std::uint64_t pc = actual.front();
  for (Finding& known : findings_) {
    if (known.scenario == scenario && known.what == what && known.end == end && known.pc == pc) {
      ++known.times;
      return;
    }
  }
  if (findings_.size() == kMaxFindings) return;
  Finding finding;
  finding.scenario = scenario;
  finding.what = what;
  finding.end = end;
  finding.pc = pc;
  finding.times = 1;
  std::copy_n(expected.begin(), std::min(expected.size(), finding.expected.size()),
              finding.expected.begin());
  std::copy_n(actual.begin(), std::min(actual.size(), finding.actual.size()),
              finding.actual.begin());
  findings_.push_back(finding);
}

void Tally::record(std::size_t scenario, const unwind::Registers& registers,
                   unwind::StackBounds bounds, std::span<const std::uint64_t> truth,
                   bool second_opinion) {
  static std::array<std::uint64_t, kMaxFrames> frames;
  static std::array<std::uint64_t, kMaxFrames> other_frames;
  Counts& counts = counts_[scenario];
  ++counts.instructions;
  const unwind::Walk walk = unwind::walk_cfi(registers, bounds, frames.data(), kMaxFrames);
  ++counts.ends[static_cast<std::size_t>(walk.end)];
  const std::span<const std::uint64_t> cfi(frames.data(), walk.depth);
  const bool is_true = std::ranges::equal(cfi, truth);
  const bool is_complete = walk.end == StackEnd::kRoot;
  if (is_complete) ++counts.complete;
  if (is_true) ++counts.true_stacks;
  if (is_true && is_complete && !second_opinion) return;

  ++counts.second_opinions;
  const std::uint64_t sp = registers[unwind::kRsp];  // it looks at no more of the bounds
  const unwind::Walk other =
      walk_libunwind(registers, {sp, sp + 8}, other_frames.data(), kMaxFrames);
  const std::span<const std::uint64_t> libunwind(other_frames.data(), other.depth);
  const bool agreed = std::ranges::equal(libunwind, cfi);
  if (agreed) ++counts.agreed;
  if (!agreed && is_true) ++counts.libunwind_wrong;
  if (is_true && is_complete) return;

  const bool only_libunwind_knows = !is_true && std::ranges::equal(libunwind, truth);
  const Limit limit = known_limits_.at(registers, truth);
  if (limit != Limit::kNone && !only_libunwind_knows) {
    ++counts.limits[static_cast<std::size_t>(limit)];
  } else {
    keep(scenario,
         only_libunwind_knows ? "libunwind has the true stack"
                              : (is_true ? "complete, but not recognised" : "not the true stack"),
         walk.end, truth, cfi);
  }
}

bool Tally::report(std::uint64_t needed_instructions, bool with_frames) const {
  std::printf("%-26s %9s %9s %9s %9s %9s %8s\n", "scenario", "steps", "complete", "true",
              "libunwind", "agrees", "is wrong");
  Counts sum;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i].instructions == 0) continue;
    print_row(scenarios()[i].name, counts_[i]);
    sum.add(counts_[i]);
  }
  print_row("all", sum);
  for (std::size_t end = 0; end < sum.ends.size(); ++end) {
    if (sum.ends[end] == 0) continue;
    std::printf("%9lu ended %s\n", sum.ends[end], stack_end_name(static_cast<StackEnd>(end)));
  }
  for (std::size_t limit = 0; limit < sum.limits.size(); ++limit) {
    if (sum.limits[limit] == 0) continue;
    std::printf("%9lu known limit: %s\n", sum.limits[limit], limit_name(static_cast<Limit>(limit)));
  }
  for (const Finding& finding : findings_) {
    std::printf("%9lu FINDING in %s: %s (ended %s) at ", finding.times,
                scenarios()[finding.scenario].name, finding.what, stack_end_name(finding.end));
    print_address(finding.pc);
    if (!with_frames) continue;
    print_frames("true", finding.expected);
    print_frames("walk_cfi", finding.actual);
  }
  const double complete = static_cast<double>(sum.complete) / static_cast<double>(sum.instructions);
  std::printf("complete: %.4f %% of %lu\n", complete * 100, sum.instructions);
  return findings_.empty() && complete >= kNeededComplete &&
         sum.instructions >= needed_instructions;
}

}  // namespace otprof::test
