// SPDX-License-Identifier: Apache-2.0
// Real allocations of this very program, through the interposed functions, the sampler and the ring:
// what the samples say against what was done. All seeds are fixed, so each run is the same.
#include <errno.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "agent/heap/heap_sample.h"
#include "agent/heap/heap_sampler.h"
#include "agent/heap/sampling.h"

namespace {

namespace agent = otprof::agent;
namespace heap = otprof::heap;
namespace unwind = otprof::unwind;
using heap::HeapSample;

// Stacks are no part of these tests, and this program's own frames would be dropped as the agent's.
unwind::Walk no_walk(const unwind::Registers&, unwind::StackBounds, std::uint64_t*,
                     std::uint32_t) noexcept {
  return {};
}

struct Estimate {
  double bytes = 0;
  double objects = 0;
  void add(const HeapSample& sample) {
    const double p = heap::sampling_probability(sample.size, sample.interval);
    bytes += static_cast<double>(sample.size) / p;
    objects += 1 / p;
  }
};

// One profiled stretch of this program. What Catch and the test itself allocate meanwhile is told
// apart by size: the tests use sizes nobody else does.
class Profiled {
 public:
  explicit Profiled(std::uint64_t interval, std::uint64_t seed) {
    if (ring == nullptr) {
      ring = new agent::SampleRing;
      REQUIRE(ring->create(64U << 20U));
      REQUIRE(heap::prepare_heap_sampler());
    }
    take([](const HeapSample&) {});
    heap::start_heap_sampler(
        {.ring = ring, .walk = no_walk, .max_depth = 1, .interval = interval, .seed = seed});
  }
  ~Profiled() { heap::stop_heap_sampler(); }

  template <typename Take>
  void take(Take&& take) {
    ring->drain(
        [&](const std::uint64_t* record, std::uint32_t) { take(heap::heap_sample_of(record)); });
  }
  static std::set<std::uint64_t> live() {
    std::set<std::uint64_t> ids;
    heap::heap_state().live.scan([&](std::uint64_t id) { ids.insert(id); });
    return ids;
  }

 private:
  static agent::SampleRing* ring;
};
agent::SampleRing* Profiled::ring = nullptr;

// Through a volatile pointer, or the compiler removes the pair.
void allocate_and_free(std::size_t size, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    void* volatile block = std::malloc(size);
    std::free(block);
  }
}

// The variance of the estimate of n blocks of size s is n s^2 (1-p)/p for bytes, n (1-p)/p for
// objects. 100 runs: the 3-sigma bound may be crossed by one of them; the mean may be off by 0.5 %.
TEST_CASE("estimates are unbiased at every size, with 1 and with 8 threads", "[truth]") {
  const auto size = GENERATE(as<std::size_t>{}, 17, 1031, 65551, 1048589);
  const auto thread_count = GENERATE(as<std::size_t>{}, 1, 8);
  constexpr int kRuns = 100;
  const std::uint64_t interval = size < 1000 ? 1024 : 524288;
  const double p = heap::sampling_probability(size, interval);
  // Enough blocks that 3 sigma of the mean of all runs is below 0.5 %.
  const double needed = (1 - p) / p / kRuns * (3 / 0.005) * (3 / 0.005);
  const std::size_t count =
      (static_cast<std::size_t>(needed * 1.05) / thread_count + 1) * thread_count;
  const auto truth = static_cast<double>(count);
  const double sigma = std::sqrt(truth * (1 - p) / p);
  int outside = 0;
  double sum = 0;
  for (int run = 0; run < kRuns; ++run) {
    Profiled profiled(interval, 1000 + static_cast<std::uint64_t>(run));
    std::vector<std::thread> threads;
    for (std::size_t t = 1; t < thread_count; ++t) {
      threads.emplace_back(allocate_and_free, size, count / thread_count);
    }
    allocate_and_free(size, count / thread_count);
    for (std::thread& thread : threads) {
      thread.join();
    }
    Estimate estimate;
    std::set<std::uint64_t> ids;
    profiled.take([&](const HeapSample& sample) {
      if (sample.size == size) {
        estimate.add(sample);
        ids.insert(sample.id);
      }
    });
    outside += std::abs(estimate.objects - truth) > 3 * sigma + 1e-6 * truth ? 1 : 0;
    CHECK(estimate.bytes == Approx(estimate.objects * static_cast<double>(size)));
    sum += estimate.objects;
    for (const std::uint64_t id : Profiled::live()) {
      REQUIRE_FALSE(ids.contains(id));
    }
  }
  INFO("size " << size << ", " << thread_count << " threads, " << count << " blocks, mean "
               << sum / kRuns / truth);
  CHECK(outside <= 1);
  CHECK(std::abs(sum / kRuns / truth - 1) < 0.005);
}

TEST_CASE("a mix of sizes, and what is left of it after a pattern of frees", "[truth]") {
  constexpr std::uint64_t kInterval = 16384;
  constexpr int kRuns = 100;
  const std::vector<std::size_t> sizes = {33, 1031, 16411, 262147};
  int outside = 0;
  int outside_live = 0;
  double sum = 0;
  double sum_live = 0;
  double truth = 0;
  double truth_live = 0;
  for (int run = 0; run < kRuns; ++run) {
    Profiled profiled(kInterval, 5000 + static_cast<std::uint64_t>(run));
    std::vector<void*> blocks;
    blocks.reserve(20'000);
    double variance = 0;
    double variance_live = 0;
    truth = 0;
    truth_live = 0;
    for (std::size_t i = 0; i < 12'000; ++i) {
      const std::size_t size = sizes[i % 16 == 0 ? 3 : i % 4 == 0 ? 2 : i % 2 == 0 ? 1 : 0];
      blocks.push_back(std::malloc(size));
      const double p = heap::sampling_probability(size, kInterval);
      const auto bytes = static_cast<double>(size);
      truth += bytes;
      variance += bytes * bytes * (1 - p) / p;
      if (i % 3 == 0) {
        truth_live += bytes;
        variance_live += bytes * bytes * (1 - p) / p;
      }
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      if (i % 3 != 0) {
        std::free(blocks[i]);
      }
    }
    std::unordered_map<std::uint64_t, HeapSample> samples;
    Estimate all;
    profiled.take([&](const HeapSample& sample) {
      if (std::find(sizes.begin(), sizes.end(), sample.size) != sizes.end()) {
        all.add(sample);
        samples[sample.id] = sample;
      }
    });
    Estimate live;
    for (const std::uint64_t id : Profiled::live()) {
      if (samples.contains(id)) {
        live.add(samples[id]);
      }
    }
    sum += all.bytes;
    sum_live += live.bytes;
    outside += std::abs(all.bytes - truth) > 3 * std::sqrt(variance) ? 1 : 0;
    outside_live += std::abs(live.bytes - truth_live) > 3 * std::sqrt(variance_live) ? 1 : 0;
    for (std::size_t i = 0; i < blocks.size(); i += 3) {
      std::free(blocks[i]);
    }
    for (const std::uint64_t id : Profiled::live()) {
      REQUIRE_FALSE(samples.contains(id));
    }
  }
  CHECK(outside <= 1);
  CHECK(outside_live <= 1);
  CHECK(std::abs(sum / kRuns / truth - 1) < 0.005);
  CHECK(std::abs(sum_live / kRuns / truth_live - 1) < 0.005);
}

// A fixed stride would put all samples on one of them.
TEST_CASE("two equal sites in turn get half each", "[truth]") {
  constexpr std::size_t kFirst = 1039;
  constexpr std::size_t kSecond = 1049;
  constexpr int kPairs = 200'000;
  Profiled profiled(16384, 77);
  for (int i = 0; i < kPairs; ++i) {
    allocate_and_free(kFirst, 1);
    allocate_and_free(kSecond, 1);
  }
  double first = 0;
  double second = 0;
  profiled.take([&](const HeapSample& sample) {
    first += sample.size == kFirst ? 1 : 0;
    second += sample.size == kSecond ? 1 : 0;
  });
  REQUIRE(first + second > 10'000);
  CHECK(std::abs(first - second) < 3 * std::sqrt(first + second));
}

TEST_CASE("interval 1 sees every call of the family, once, with its size", "[truth]") {
  Profiled profiled(1, 1);
  std::unordered_map<std::uint64_t, std::uint64_t> expected;  // address -> size
  const auto note = [&](void* pointer, std::size_t size) {
    expected[reinterpret_cast<std::uintptr_t>(pointer)] = size;
  };
  const auto before = heap::heap_state().totals();
  void* blocks[16];
  blocks[0] = std::malloc(0);
  blocks[1] = std::malloc(100'003);
  blocks[2] = std::calloc(7, 1009);
  blocks[3] = std::realloc(nullptr, 2003);
  blocks[4] = reallocarray(nullptr, 3, 1013);
  blocks[5] = aligned_alloc(64, 6400);
  REQUIRE(posix_memalign(&blocks[6], 4096, 3001) == 0);
  void* moved = std::malloc(50);
  blocks[7] = std::realloc(moved, 300'007);
  allocate_and_free(77, 1);
  const auto after = heap::heap_state().totals();
  note(blocks[0], 0);
  note(blocks[1], 100'003);
  note(blocks[2], 7063);
  note(blocks[3], 2003);
  note(blocks[4], 3039);
  note(blocks[5], 6400);
  note(blocks[6], 3001);
  note(blocks[7], 300'007);
  CHECK(after.allocations - before.allocations == 10);
  CHECK(after.frees - before.frees == 2);
  CHECK(after.allocated_bytes - before.allocated_bytes ==
        0 + 100'003 + 7063 + 2003 + 3039 + 6400 + 3001 + 50 + 300'007 + 77);
  const std::set<std::uint64_t> live = Profiled::live();
  std::unordered_map<std::uint64_t, std::uint64_t> seen;
  profiled.take([&](const HeapSample& sample) {
    if (live.contains(sample.id)) {
      seen[sample.address] = sample.size;
    }
  });
  for (const auto& [address, size] : expected) {
    CHECK(seen[address] == size);
  }
  for (int i = 0; i < 8; ++i) {
    std::free(blocks[i]);
  }
}

TEST_CASE("a realloc that fails leaves the block in the live profile", "[truth]") {
  Profiled profiled(1, 1);
  void* volatile block = std::malloc(5003);
  std::uint64_t id = 0;
  profiled.take([&](const HeapSample& sample) { id = sample.size == 5003 ? sample.id : id; });
  REQUIRE(Profiled::live().contains(id));
  volatile std::size_t too_much = PTRDIFF_MAX;
  CHECK(std::realloc(block, too_much) == nullptr);
  CHECK(Profiled::live().contains(id));
  void* smaller = std::realloc(block, 4001);  // in place
  REQUIRE(smaller != nullptr);
  CHECK_FALSE(Profiled::live().contains(id));
  std::free(smaller);
}

TEST_CASE("64 threads of tight reuse end with nothing alive", "[truth]") {
  constexpr std::size_t kSize = 4507;
  Profiled profiled(1000, 3);
  // Blocks change hands: each thread frees what its neighbour allocated.
  std::vector<std::atomic<void*>> mailboxes(64);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < mailboxes.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3000; ++i) {
        std::free(mailboxes[(t + 1) % mailboxes.size()].exchange(std::malloc(kSize)));
        void* grown = std::realloc(std::malloc(kSize), i % 2 == 0 ? kSize + 4096 : kSize / 2);
        std::free(grown);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::atomic<void*>& mailbox : mailboxes) {
    std::free(mailbox.load());
  }
  std::set<std::uint64_t> ids;
  std::size_t samples = 0;
  profiled.take([&](const HeapSample& sample) {
    if (sample.size == kSize || sample.size == kSize + 4096 || sample.size == kSize / 2) {
      ids.insert(sample.id);
      ++samples;
    }
  });
  CHECK(samples > 100'000);
  for (const std::uint64_t id : Profiled::live()) {
    REQUIRE_FALSE(ids.contains(id));
  }
}

TEST_CASE("hooks keep errno", "[truth]") {
  Profiled profiled(1, 1);
  errno = 4711;
  void* block = std::malloc(10);
  CHECK(errno == 4711);
  block = std::realloc(block, 5000);
  CHECK(errno == 4711);
  std::free(block);
  CHECK(errno == 4711);
}

}  // namespace
