// SPDX-License-Identifier: Apache-2.0
// leaks ROUNDS: a thousand functions that allocate alike, and one more that forgets. Every 10 ms each
// allocates a kilobyte. Most free it at once, a tenth keep the last 32 blocks, one never frees any.
// Far more than it ever forgets is allocated once, at the start, and kept.
#include <cstdlib>
#include <ctime>
#include <utility>

namespace {

constexpr int kSites = 1000;
constexpr int kCached = 32;
constexpr std::size_t kSize = 1000;

void* cache[kSites][kCached];
void* volatile kept;

template <int Site>
[[gnu::noinline]] void site(int round) {
  void* volatile block = std::malloc(kSize);
  if constexpr (Site % 10 == 3) {
    std::free(std::exchange(cache[Site][round % kCached], block));
  } else {
    std::free(block);
  }
}

}  // namespace

extern "C" {
[[gnu::noinline]] void forgetful_site() { kept = std::malloc(kSize); }
[[gnu::noinline]] void constant_site() {
  for (int i = 0; i < 10'000; ++i) {
    kept = std::malloc(kSize);
  }
}
}

namespace {

template <int Hundred, int... Index>
void hundred_sites(int round, std::integer_sequence<int, Index...> /*sites*/) {
  (site<Hundred * 100 + Index>(round), ...);
}
template <int... Hundred>
void all_sites(int round, std::integer_sequence<int, Hundred...> /*hundreds*/) {
  (hundred_sites<Hundred>(round, std::make_integer_sequence<int, 100>()), ...);
}

}  // namespace

int main(int /*argc*/, char** argv) {
  constant_site();
  const int rounds = std::atoi(argv[1]);
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (int round = 0; round < rounds; ++round) {
    all_sites(round, std::make_integer_sequence<int, kSites / 100>());
    forgetful_site();
    next.tv_nsec += 10'000'000;
    next.tv_sec += next.tv_nsec / 1'000'000'000;
    next.tv_nsec %= 1'000'000'000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
  return 0;
}
