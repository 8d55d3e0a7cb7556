// SPDX-License-Identifier: Apache-2.0
//
// A program whose every allocation is known: the n-th is made by function site<n % 251>, some 500 of
// them a second, and noted with its time in a file that outlives the process. So whatever prefix of
// its life a profile covers, the counts of the sites say whether anything is missing from it, or
// there twice.
//
//   steady FILE [SECONDS [end HOW]]   FILE: u64 allocations begun, then one u64 for each that is made,
//                                     CLOCK_MONOTONIC in ns; HOW: one of the names in end_by()
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t kSites = 251;  // a prime: a gap or a repetition is no whole number of rounds
constexpr std::size_t kMost = 1 << 20;

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

template <std::size_t Number>
[[gnu::noinline]] void site() {
  void* const block = std::malloc(64);
  *static_cast<volatile std::size_t*>(block) = Number;
  std::free(block);
}

template <std::size_t... Numbers>
constexpr std::array<void (*)(), kSites> all_sites(std::index_sequence<Numbers...> /*numbers*/) {
  return {site<Numbers>...};
}

namespace {

void end_by(std::string_view how) {
  if (how == "exit") {
    std::exit(6);
  } else if (how == "quick_exit") {
    std::quick_exit(7);
  } else if (how == "_exit") {
    _exit(8);
  } else if (how == "_Exit") {
    std::_Exit(9);
  } else if (how == "abort") {
    std::abort();
  } else if (how == "throw") {
    throw 1;
  } else if (how == "SIGTERM") {
    raise(SIGTERM);
  } else if (how == "SIGINT") {
    raise(SIGINT);
  } else if (how == "SIGHUP") {
    raise(SIGHUP);
  } else if (how == "thread _exit") {
    std::thread([] { _exit(10); }).join();
  } else if (how == "pthread_exit") {
    static std::thread last([] {
      const timespec pause{0, 50'000'000};
      nanosleep(&pause, nullptr);
      std::exit(11);
    });
    pthread_exit(nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  constexpr auto kAll = all_sites(std::make_index_sequence<kSites>());
  if (argc < 2) {
    return 2;
  }
  const double seconds = argc > 2 ? std::strtod(argv[2], nullptr) : 3600;
  const int file = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const std::size_t size = (kMost + 1) * sizeof(std::uint64_t);
  if (file < 0 || ftruncate(file, static_cast<off_t>(size)) != 0) {
    return 2;
  }
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    return 2;
  }
  auto* const notes = static_cast<volatile std::uint64_t*>(memory);
  const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  for (std::size_t n = 0; n < kMost && now_ns() < end; ++n) {
    notes[0] = n + 1;
    kAll[n % kSites]();
    notes[n + 1] = now_ns();
    const timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
  }
  if (argc > 4) {
    end_by(argv[4]);
  }
  return 5;
}
