// SPDX-License-Identifier: Apache-2.0
//
// A busy service: 64 threads that compute and allocate in functions that call each other in ever new
// ways, with some thousand blocks alive and others freed all the time. Its own memory does not grow.
//
//   many SECONDS PERCENT    PERCENT: CPU time of all threads together, of one CPU
#include <time.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 64;
constexpr int kAlive = 100;  // blocks of each thread
constexpr std::size_t kBlock = 2048;
volatile unsigned sink = 0;

std::uint64_t ns_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

struct Worker {
  std::uint64_t random;
  std::array<void*, kAlive> blocks{};

  std::uint64_t next() {
    random = random * 6364136223846793005U + 1442695040888963407U;
    return random >> 33U;
  }
};

}  // namespace

// Eight functions that call one another: a path of depth 12 is one of 8^12.
template <int Number>
[[gnu::noinline]] void step(Worker& worker, int depth);

using Step = void (*)(Worker&, int);
extern const std::array<Step, 8> kSteps;

template <int Number>
void step(Worker& worker, int depth) {
  if (depth > 0) {
    kSteps[worker.next() % 8](worker, depth - 1);
    sink = sink + Number;
    return;
  }
  for (unsigned i = 0; i < 20'000; ++i) {
    sink = sink + i;
  }
  void*& block = worker.blocks[worker.next() % kAlive];
  std::free(block);
  block = std::malloc(worker.next() % 4096 + 1);
}

const std::array<Step, 8> kSteps = {step<0>, step<1>, step<2>, step<3>,
                                    step<4>, step<5>, step<6>, step<7>};

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 10;
  const double percent = argc > 2 ? std::strtod(argv[2], nullptr) : 50;
  const std::uint64_t start = ns_of(CLOCK_MONOTONIC);
  const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([=] {
      Worker worker{.random = static_cast<std::uint64_t>(i) * 7919 + 1, .blocks = {}};
      for (void*& block : worker.blocks) {
        block = std::malloc(kBlock);
      }
      std::uint64_t now = 0;
      while ((now = ns_of(CLOCK_MONOTONIC)) < end) {
        const double due = static_cast<double>(now - start) * percent / 100 / kThreads;
        if (static_cast<double>(ns_of(CLOCK_THREAD_CPUTIME_ID)) < due) {
          kSteps[worker.next() % 8](worker, static_cast<int>(worker.next() % 12));
        } else {
          const timespec pause{0, 10'000'000};
          nanosleep(&pause, nullptr);
        }
      }
      for (void* block : worker.blocks) {
        std::free(block);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return 5;
}
