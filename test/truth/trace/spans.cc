// SPDX-License-Identifier: Apache-2.0
//
// Two threads work for three spans of one trace, 60, 30 and 10 parts of their CPU time, of the bytes
// they allocate and of those they keep; and a little for none. Says what it really was: a line for
// each span with its id, its route, CPU nanoseconds, bytes allocated and bytes kept.
//
//   spans MILLISECONDS     CPU time of each thread, at least
#include <pthread.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "agent/otprof.h"

namespace {

struct Span {
  const char* route;
  std::uint64_t parts;
  std::array<std::uint8_t, 8> id;
  std::atomic<std::uint64_t> cpu_ns{0};
  std::atomic<std::uint64_t> allocated{0};
  std::atomic<std::uint64_t> kept{0};
};
const std::array<std::uint8_t, 16> kTrace = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6,
                                             0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36};
Span spans[3] = {{"/sixty", 6, {0xa1, 1, 2, 3, 4, 5, 6, 7}},
                 {"/thirty", 3, {0xb2, 1, 2, 3, 4, 5, 6, 7}},
                 {"/ten", 1, {0xc3, 1, 2, 3, 4, 5, 6, 7}}};
std::uint64_t per_thread_ns = 0;
constexpr std::size_t kBlock = 1000;
constexpr std::uint64_t kBlocksPerPart = 120;
constexpr std::uint64_t kKeepEvery = 5;

std::uint64_t thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

[[gnu::noinline]] std::uint64_t spend(std::uint64_t end) {
  volatile unsigned result = 0;
  std::uint64_t now = 0;
  while ((now = thread_ns()) < end) {
    unsigned x = 1;
    for (int i = 0; i < 15000; ++i) x = x * 1664525U + 1013904223U;
    result = x;
  }
  return now + (result & 0U);
}

// No allocation of their own: what is not for a span is to be little.
struct Kept {
  std::size_t count = 0;
  void* blocks[1U << 18U];
};
Kept kept_by[2];

void work_for(Span& span, std::uint64_t turn_ns, Kept& kept) {
  const otprof::SpanScope parent(kTrace.data(), "\1\2\3\4\5\6\7\10");
  otprof::SpanScope scope(kTrace.data(), span.id.data(), 1);
  scope.set("http.route", span.route);
  const std::uint64_t start = thread_ns();
  for (std::uint64_t i = 0; i < kBlocksPerPart * span.parts; ++i) {
    void* block = std::malloc(kBlock);
    span.allocated += kBlock;
    if (i % kKeepEvery == 0 && kept.count < std::size(kept.blocks)) {
      kept.blocks[kept.count++] = block;
      span.kept += kBlock;
    } else {
      std::free(block);
    }
  }
  span.cpu_ns += spend(start + turn_ns * span.parts / 10) - start;
}

void* work(void* seed_pointer) {
  auto seed = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(seed_pointer));
  Kept& kept = kept_by[seed % 2];
  const std::uint64_t begin = thread_ns();
  while (thread_ns() < begin + per_thread_ns) {
    // Turns of no fixed length, so that they cannot keep step with the samples.
    seed = seed * 1664525U + 1013904223U;
    const std::uint64_t turn = 4'000'000U + (seed >> 8U) % 16'000'000U;
    for (Span& span : spans) work_for(span, turn, kept);
  }
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  per_thread_ns = static_cast<std::uint64_t>(argc > 1 ? std::atoll(argv[1]) : 1000) * 1'000'000U;
  pthread_t other{};
  pthread_create(&other, nullptr, work, reinterpret_cast<void*>(std::uintptr_t{42}));
  work(reinterpret_cast<void*>(std::uintptr_t{4711}));
  pthread_join(other, nullptr);
  for (const Span& span : spans) {
    for (const std::uint8_t byte : span.id) std::printf("%02x", byte);
    std::printf(" %s %llu %llu %llu\n", span.route,
                static_cast<unsigned long long>(span.cpu_ns.load()),
                static_cast<unsigned long long>(span.allocated.load()),
                static_cast<unsigned long long>(span.kept.load()));
  }
}
