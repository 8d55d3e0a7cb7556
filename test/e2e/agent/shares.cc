// SPDX-License-Identifier: Apache-2.0
//
// A program that knows where its CPU time goes. Two threads, main among them, spend 70 and 30 parts
// of it in two functions, 30 frames down, built with -O2 and without frame pointers; the clock of
// each thread says how much it really was. Prints one line: the CPU time of both functions in
// nanoseconds.
//
//   shares MILLISECONDS     CPU time of each thread
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<std::uint64_t> seventy_ns{0};
std::atomic<std::uint64_t> thirty_ns{0};
std::uint64_t per_thread_ns = 0;

std::uint64_t thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// Visible functions, so that their names are in .dynsym too and nothing is merged.
extern "C" {

// About 15 us of work between two looks at the clock: the call into the kernel is 1 % of that.
[[gnu::noinline]] std::uint64_t spend_seventy(std::uint64_t end) {
  volatile unsigned result = 0;
  std::uint64_t now = 0;
  while ((now = thread_ns()) < end) {
    unsigned x = 1;
    for (int i = 0; i < 15000; ++i) x = x * 1664525U + 1013904223U;
    result = x;
  }
  return now + (result & 0U);
}

[[gnu::noinline]] std::uint64_t spend_thirty(std::uint64_t end) {
  volatile unsigned result = 0;
  std::uint64_t now = 0;
  while ((now = thread_ns()) < end) {
    unsigned x = 7;
    for (int i = 0; i < 15000; ++i) x = (x ^ 40503U) * 22695477U + 1U;
    result = x;
  }
  return now + (result & 0U);
}

[[gnu::noinline]] std::uint64_t descend(int depth, bool to_seventy, std::uint64_t end) {
  volatile int live = depth;  // used after the call, so that this is not a jump
  const std::uint64_t now = depth == 0 ? (to_seventy ? spend_seventy(end) : spend_thirty(end))
                                       : descend(depth - 1, to_seventy, end);
  return now + static_cast<std::uint64_t>(live - depth);
}

void* spend_all(void* seed_pointer) {
  auto seed = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(seed_pointer));
  const std::uint64_t begin = thread_ns();
  std::uint64_t now = begin;
  while (now < begin + per_thread_ns) {
    // Turns of 2 to 18 ms: of no fixed length, so that they cannot keep step with the samples.
    seed = seed * 1664525U + 1013904223U;
    const std::uint64_t turn = 2'000'000U + (seed >> 8U) % 16'000'000U;
    const std::uint64_t start = now;
    now = descend(30, true, now + turn * 7 / 10);
    const std::uint64_t middle = now;
    now = descend(30, false, now + turn * 3 / 10);
    seventy_ns += middle - start;
    thirty_ns += now - middle;
  }
  return nullptr;
}
}

int main(int argc, char** argv) {
  per_thread_ns = static_cast<std::uint64_t>(argc > 1 ? std::atoll(argv[1]) : 2000) * 1'000'000U;
  pthread_t other{};
  pthread_create(&other, nullptr, spend_all, reinterpret_cast<void*>(std::uintptr_t{42}));
  spend_all(reinterpret_cast<void*>(std::uintptr_t{4711}));
  pthread_join(other, nullptr);
  std::printf("%llu %llu\n", static_cast<unsigned long long>(seventy_ns.load()),
              static_cast<unsigned long long>(thirty_ns.load()));
}
