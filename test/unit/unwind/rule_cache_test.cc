// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/rule_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace otprof::unwind {

namespace {

// A rule that only this pc has: so a reader can tell whether it got another's.
PackedRule rule_of(std::uint64_t pc) { return PackedRule(pc * 0x9e3779b97f4a7c15 | kRsp); }

}  // namespace

TEST_CASE("a cache gives back what was put in, and nothing else") {
  auto cache = std::make_unique<RuleCache>();
  const std::uint64_t generation = cache->generation();
  CHECK(cache->find(0x401000, generation).kind() == kEmptyRule);
  cache->insert(0x401000, generation, rule_of(0x401000));
  CHECK(cache->find(0x401000, generation) == rule_of(0x401000));
  CHECK(cache->find(0x401001, generation).kind() == kEmptyRule);
  CHECK(cache->find(0, generation).kind() == kEmptyRule);
}

TEST_CASE("two addresses of one place are both kept, the third replaces the older") {
  auto cache = std::make_unique<RuleCache>();
  // Same low bits, and the bits that are mixed in cancel out.
  const std::uint64_t first = 0x1000000, second = 0x2000000, third = 0x3000000;
  for (const std::uint64_t pc : {first, second, third}) cache->insert(pc, 0, rule_of(pc));
  CHECK(cache->find(third, 0) == rule_of(third));
  CHECK(cache->find(second, 0) == rule_of(second));
  CHECK(cache->find(first, 0).kind() == kEmptyRule);
}

TEST_CASE("forgetting voids every rule, also one stored late by a walk that began before") {
  auto cache = std::make_unique<RuleCache>();
  const std::uint64_t before = cache->generation();
  cache->insert(0x401000, before, rule_of(0x401000));
  cache->forget();
  CHECK(cache->find(0x401000, cache->generation()).kind() == kEmptyRule);
  cache->insert(0x401000, before, rule_of(0x401000));
  CHECK(cache->find(0x401000, cache->generation()).kind() == kEmptyRule);
}

TEST_CASE("threads that write to one place never make a reader see a mixture") {
  auto cache = std::make_unique<RuleCache>();
  std::atomic<bool> stop{false};
  const auto pc_of = [](unsigned i) { return 0x1000000ULL * (1 + i); };  // all of one place
  std::vector<std::thread> threads;
  for (unsigned writer = 0; writer < 2; ++writer) {
    threads.emplace_back([&, writer] {
      for (unsigned i = writer; !stop; i = (i + 1) % 8) {
        cache->insert(pc_of(i), 0, rule_of(pc_of(i)));
      }
    });
  }
  std::uint64_t found = 0;
  std::uint64_t wrong = 0;
  while (found < 20000) {
    const std::uint64_t pc = pc_of(static_cast<unsigned>(found % 8));
    PackedRule rule;
    while (rule.kind() == kEmptyRule) rule = cache->find(pc, 0);
    ++found;
    if (!(rule == rule_of(pc))) ++wrong;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace otprof::unwind
