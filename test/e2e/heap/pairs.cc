// SPDX-License-Identifier: Apache-2.0
// pairs: says "ready" and waits for a line; then four threads allocate and free 100,000 blocks each, at
// once or as each other's; says "done" and waits for the end of standard input.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kThreads = 4;
constexpr int kBlocks = 100'000;

std::array<std::atomic<void*>, kThreads> mailboxes;

// NOLINTBEGIN(cppcoreguidelines-no-malloc): that is what this is about
void work(std::size_t self) {
  for (int i = 0; i < kBlocks; ++i) {
    void* volatile block = std::malloc(static_cast<std::size_t>(100 + i % 50));
    if (i % 2 == 0) {
      block = mailboxes[(self + 1) % kThreads].exchange(block);
    }
    std::free(block);
  }
}
// NOLINTEND(cppcoreguidelines-no-malloc)

void say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

}  // namespace

int main() {
  say("ready");
  std::getchar();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back(work, i);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (std::atomic<void*>& mailbox : mailboxes) {
    std::free(mailbox.load());  // NOLINT(cppcoreguidelines-no-malloc)
  }
  say("done");
  while (std::getchar() != EOF) {
  }
  return 0;
}
