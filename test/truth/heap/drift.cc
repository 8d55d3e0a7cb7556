// SPDX-License-Identifier: Apache-2.0
// drift SECONDS: eight threads allocate blocks and free each other's, for so long; 1024 blocks are alive
// all the time (and one more per thread). In the end all are freed.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kSlots = 1024;
constexpr std::size_t kThreads = 8;
constexpr std::size_t kSize = 1000;

std::array<std::atomic<void*>, kSlots> slots;

}  // namespace

// NOLINTBEGIN(cppcoreguidelines-no-malloc): that is what this is about
extern "C" {
[[gnu::noinline]] void* allocating_site() {
  void* volatile block = std::malloc(kSize);
  return block;
}
[[gnu::noinline]] void* last_site() {
  void* volatile block = std::malloc(std::size_t{1} << 20U);
  return block;
}
[[gnu::noinline]] void* moving_site(void* block) {
  void* volatile moved = std::realloc(block, kSize);
  return moved;
}
}

int main(int /*argc*/, char** argv) {
  using Clock = std::chrono::steady_clock;
  for (std::atomic<void*>& slot : slots) {
    slot = allocating_site();
  }
  const auto end = Clock::now() + std::chrono::seconds(std::atoi(argv[1]));
  std::vector<std::thread> threads;
  for (std::size_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([self, end] {
      std::uint64_t random = self + 1;
      for (auto now = Clock::now(); now < end; now = Clock::now()) {
        for (int i = 0; i < 50; ++i) {
          random = random * 6364136223846793005U + 1442695040888963407U;
          std::atomic<void*>& slot = slots[(random >> 33U) % kSlots];
          void* old = slot.exchange(allocating_site());
          // Half of them come back once more by way of realloc.
          if (i % 2 == 0) {
            old = slot.exchange(moving_site(old));
          }
          std::free(old);
        }
        std::this_thread::sleep_until(now + std::chrono::milliseconds(10));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::atomic<void*>& slot : slots) {
    std::free(slot.load());
  }
  // An empty window is not written: without this the last file could be of the moment before.
  std::free(last_site());
  return 0;
}
// NOLINTEND(cppcoreguidelines-no-malloc)
