// SPDX-License-Identifier: Apache-2.0
// Allocations whose truth is known, by function; prints nothing. Kept blocks stay allocated to the end.
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kRounds = 100'000;

void* volatile kept[64];

}  // namespace

extern "C" {

[[gnu::noinline]] void first_site() {
  void* volatile block = malloc(1000);
  free(block);
}
[[gnu::noinline]] void second_site() {
  void* volatile block = malloc(1000);
  free(block);
}
[[gnu::noinline]] void new_site() {
  char* volatile block = new char[3000];
  delete[] block;
}
[[gnu::noinline]] void keeping_site(int i) { kept[i] = malloc(1 << 20); }
[[gnu::noinline]] void thread_site() {
  for (int i = 0; i < kRounds / 8; ++i) {
    void* volatile block = calloc(1, 2000);
    free(block);
  }
}
}

int main() {
  for (int i = 0; i < kRounds; ++i) {
    first_site();
    second_site();
    if (i % 4 == 0) {
      new_site();
    }
  }
  for (int i = 0; i < 64; ++i) {
    keeping_site(i);
  }
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back(thread_site);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return 0;
}
