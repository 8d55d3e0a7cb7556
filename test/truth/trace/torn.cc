// SPDX-License-Identifier: Apache-2.0
//
// Writers of thread contexts at their fastest, one per thread, each in another manner, under sampling
// that leaves nothing out. Each allocation says by its size which pair of ids was attached at that
// moment, or that none was; the ids say by themselves (trace_pairs.h) whether they belong together
// and to which thread, and that is in the thread's name. torn.py compares what came out with that.
//
//   torn ROUNDS SECONDS [tear]    ROUNDS allocations per thread, then SECONDS of writing without any.
//                                 tear: one writer changes a record without taking it out of use
//
// Prints one line: attachments in all.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "agent/otprof.h"
#include "test/unit/agent/trace_pairs.h"

namespace {

using otprof::test::Pair;
using otprof::test::pair_of;

// Counts come round, so that the profile keeps a bounded number of rows.
constexpr std::uint32_t kCounts = 512;
constexpr std::size_t kNoPair = 16;       // bytes of an allocation outside
constexpr std::size_t kSizeOfFirst = 64;  // and inside of pair 0; 16 more for each further one

bool tears = false;
std::atomic<std::uint64_t> attachments{0};

[[gnu::noinline]] void allocate(std::size_t size) {
  void* volatile block = std::malloc(size);
  std::free(block);
}

std::size_t size_of(std::uint32_t count) { return kSizeOfFirst + 16U * count; }

// The manners of writing: each makes `pair` visible, calls inside(), and takes it away.

struct NewRecord {
  template <typename Inside>
  void operator()(const Pair& pair, Inside&& inside) {
    const otprof::SpanScope scope(pair.trace_id, pair.span_id);
    inside();
  }
};

struct TwoRecords {
  otprof_context records[2];
  unsigned turn = 0;
  template <typename Inside>
  void operator()(const Pair& pair, Inside&& inside) {
    otprof_context& record = records[turn++ % 2];
    otprof_context_init(&record, pair.trace_id, pair.span_id, 1);
    otprof_context_set(&record, 200, "some value", 10);
    otprof_attach(&record);
    inside();
    otprof_context_set(&record, 200, "another", 7);
    otprof_detach(nullptr);
  }
};

struct InPlace {
  otprof_context record;
  InPlace() {
    otprof_context_init(&record, nullptr, nullptr, 0);
    record.valid = 0;
    otprof_attach(&record);
  }
  template <typename Inside>
  void operator()(const Pair& pair, Inside&& inside) {
    otprof_context_set_span(&record, pair.trace_id, pair.span_id, 0);
    inside();
    __atomic_store_n(&record.valid, 0, __ATOMIC_RELAXED);
  }
};

// Each byte is a store of its own, so there are 24 instructions at which to be interrupted.
struct ByteByByte {
  otprof_context record;
  ByteByByte() {
    otprof_context_init(&record, nullptr, nullptr, 0);
    record.valid = 0;
    otprof_attach(&record);
  }
  template <typename Inside>
  void operator()(const Pair& pair, Inside&& inside) {
    auto* to = reinterpret_cast<volatile unsigned char*>(&record);
    to[24] = tears ? 1 : 0;
    for (std::size_t i = 0; i < 16; ++i) to[i] = pair.trace_id[i];
    for (std::size_t i = 0; i < 8; ++i) to[16 + i] = pair.span_id[i];
    to[24] = 1;
    inside();
    to[24] = 0;
  }
};

template <typename Manner>
void write_contexts(std::uint32_t thread, std::uint64_t rounds, std::uint64_t seconds) {
  const std::string name = "writer" + std::to_string(thread);
  pthread_setname_np(pthread_self(), name.c_str());
  Manner manner;
  std::vector<Pair> pairs;
  for (std::uint32_t count = 0; count < kCounts; ++count) pairs.push_back(pair_of(thread, count));
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const auto count = static_cast<std::uint32_t>(round % kCounts);
    manner(pairs[count], [&] { allocate(size_of(count)); });
    if (round % 8 == 0) allocate(kNoPair);
  }
  std::uint64_t done = rounds;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (std::chrono::steady_clock::now() < end) {
    for (const Pair& pair : pairs) manner(pair, [] {});
    done += pairs.size();
  }
  otprof_detach(nullptr);
  attachments += done;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
  const std::uint64_t seconds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  tears = argc > 3 && std::string(argv[3]) == "tear";
  std::vector<std::thread> threads;
  threads.emplace_back(write_contexts<NewRecord>, 1, rounds, seconds);
  threads.emplace_back(write_contexts<TwoRecords>, 2, rounds, seconds);
  threads.emplace_back(write_contexts<InPlace>, 3, rounds, seconds);
  threads.emplace_back(write_contexts<ByteByByte>, 4, rounds, seconds);
  for (std::thread& thread : threads) thread.join();
  std::printf("%llu\n", static_cast<unsigned long long>(attachments.load()));
}
