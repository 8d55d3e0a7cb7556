// SPDX-License-Identifier: Apache-2.0
#include "agent/cpu/thread_table.h"

#include <catch2/catch.hpp>
#include <vector>

using otprof::cpu::ThreadTable;

namespace {

ThreadTable make_table() {
  ThreadTable table;
  REQUIRE(table.create());
  return table;
}

std::vector<int> take(ThreadTable& table, bool only_grown) {
  std::vector<int> timers;
  table.take_timers([&](bool is_grown) { return is_grown || !only_grown; },
                    [&](int timer) { timers.push_back(timer); });
  return timers;
}

}  // namespace

TEST_CASE("a thread keeps its timer until it is removed") {
  ThreadTable table = make_table();
  CHECK_FALSE(table.contains(17));
  CHECK(table.remove(17) == ThreadTable::kNoTimer);
  REQUIRE(table.add(17));
  CHECK_FALSE(table.add(17));
  CHECK(table.contains(17));
  CHECK(table.set_timer(17, 0));
  CHECK_FALSE(table.set_timer(17, 5));  // it has one
  CHECK(table.remove(17) == 0);
  CHECK_FALSE(table.contains(17));
  CHECK_FALSE(table.set_timer(17, 5));  // it is not there any more
}

TEST_CASE("of two threads that share a place the second is refused") {
  ThreadTable table = make_table();
  constexpr pid_t kOther = 17 + (1 << 16);
  REQUIRE(table.add(17));
  CHECK_FALSE(table.add(kOther));
  CHECK_FALSE(table.contains(kOther));
  CHECK_FALSE(table.set_timer(kOther, 3));
  table.set_grown(kOther);
  CHECK_FALSE(table.is_grown(17));
  CHECK(table.count_step(kOther) == 0);
  CHECK(table.remove(kOther) == ThreadTable::kNoTimer);
  CHECK(table.contains(17));
}

TEST_CASE("steps count up to a limit and end when the thread is grown") {
  ThreadTable table = make_table();
  REQUIRE(table.add(4'194'303));  // PID_MAX_LIMIT - 1
  CHECK(table.set_timer(4'194'303, 0x7ffffffe));
  CHECK(table.count_step(4'194'303) == 1);
  CHECK(table.count_step(4'194'303) == 2);
  table.set_steps(4'194'303, 200);
  CHECK(table.count_step(4'194'303) == 201);
  for (int i = 0; i < 300; ++i) {
    table.count_step(4'194'303);
  }
  CHECK_FALSE(table.is_grown(4'194'303));
  CHECK(table.count_step(4'194'303) == 255);
  table.set_grown(4'194'303);
  CHECK(table.is_grown(4'194'303));
  CHECK(table.count_step(4'194'303) == 0);
  CHECK(table.remove(4'194'303) == 0x7ffffffe);
}

TEST_CASE("timers of grown threads can be taken apart from the others") {
  ThreadTable table = make_table();
  for (const pid_t tid : {1, 2, 3}) {
    REQUIRE(table.add(tid));
    REQUIRE(table.set_timer(tid, 10 * tid));
  }
  table.set_grown(2);
  CHECK(take(table, true) == std::vector<int>{20});
  CHECK(take(table, true).empty());
  CHECK(take(table, false) == std::vector<int>{10, 30});
  CHECK(table.contains(1));
  CHECK(table.is_grown(2));
  table.clear();
  CHECK_FALSE(table.contains(1));
}
