// SPDX-License-Identifier: Apache-2.0
//
// The stepping check: at every instruction of the scenarios, walk_cfi() must find the true call stack,
// which a shadow stack knows, and be complete; walk_libunwind() gives a second opinion.
// Usage: stepping_test [--quick] [--every N] [--need INSTRUCTIONS] [--frames] [SCENARIO...]
//   --quick  leave out the long scenarios
//   --every  ask libunwind at every Nth instruction only (default 1)
//   --need   fail if fewer instructions were stepped
//   --frames print the frames of the first stack of each kind that is not as it should be
// Exit status 0: passed; 1: failed; 77: tracing is not permitted here.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "agent/unwind/libunwind_walker.h"
#include "agent/unwind/module.h"
#include "test/truth/unwind/scenarios.h"
#include "test/truth/unwind/stepper.h"

namespace {

namespace test = otprof::test;

volatile std::size_t current = 0;
std::vector<std::string> wanted;
bool quick = false;

bool is_wanted(const test::Scenario& scenario) {
  if (wanted.empty()) return !(quick && scenario.is_long);
  return std::ranges::find(wanted, scenario.name) != wanted.end();
}

std::vector<std::size_t> chosen;

void run_scenarios() {
  for (const std::size_t index : chosen) {
    current = index;
    test::scenarios()[index].run();
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t every = 1;
  std::uint64_t needed = 0;
  bool with_frames = false;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--every") == 0 && has_value) {
      every = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--need") == 0 && has_value) {
      needed = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--frames") == 0) {
      with_frames = true;
    } else {
      wanted.emplace_back(argv[i]);
    }
  }
  for (std::size_t i = 0; i < test::scenarios().size(); ++i) {
    if (is_wanted(test::scenarios()[i])) chosen.push_back(i);
  }
  otprof::unwind::prepare_libunwind();
  otprof::unwind::know_loaded_modules();
  test::Tally tally(test::scenarios().size());
  switch (test::step_through(run_scenarios, current, every, tally)) {
    case test::Stepping::kNotPermitted: std::puts("SKIP: ptrace is not permitted here"); return 77;
    case test::Stepping::kFailed: std::puts("stepping failed"); return 1;
    case test::Stepping::kDone: break;
  }
  return tally.report(needed, with_frames) ? 0 : 1;
}
