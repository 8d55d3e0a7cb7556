// SPDX-License-Identifier: Apache-2.0
// memory FILE: takes memory of each kind, in known amounts (test_memory.py), prints what the kernel counts of it, and
// keeps it for two seconds.
#include <alloca.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20U;
constexpr std::size_t kPage = 4096;

void touch(void* memory, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += kPage) {
    static_cast<volatile char*>(memory)[at] = 1;
  }
}

// Small blocks of which every second one is freed: what stays is half of the pages' contents.
void fill_heap(std::size_t bytes) {
  constexpr std::size_t kBlock = 1008;  // 1024 with glibc's header
  std::vector<void*> blocks(bytes / 1024);
  for (void*& block : blocks) {
    block = std::malloc(kBlock);
    touch(block, kBlock);
  }
  for (std::size_t i = 0; i < blocks.size(); i += 2) {
    std::free(blocks[i]);
  }
}

std::mutex mutex;
std::condition_variable changed;
int ready = 0;
bool may_end = false;

[[gnu::noinline]] void use_stack() {
  touch(alloca(5 * kMega), 5 * kMega);
  std::unique_lock lock(mutex);
  ++ready;
  changed.notify_all();
  changed.wait(lock, [] { return may_end; });
}

}  // namespace

int main(int, char** arguments) {
  const int file = open(arguments[1], O_RDONLY);
  void* mapped_file = mmap(nullptr, 20 * kMega, PROT_READ, MAP_PRIVATE, file, 0);
  volatile char sum = 0;
  for (std::size_t at = 0; at < 20 * kMega; at += kPage) {
    sum = static_cast<char>(sum + static_cast<char*>(mapped_file)[at]);
  }
  touch(mmap(nullptr, 40 * kMega, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        40 * kMega);
  fill_heap(60 * kMega);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    // In a heap of its own, of which 64 MiB are reserved.
    threads.emplace_back([] {
      fill_heap(10 * kMega);
      use_stack();
    });
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [] { return ready == 4; });
  }
  std::FILE* status = std::fopen("/proc/self/status", "r");
  std::array<char, 200> line{};
  while (std::fgets(line.data(), line.size(), status) != nullptr) {
    long kib = 0;
    if (std::sscanf(line.data(), "RssAnon: %ld", &kib) == 1 ||
        std::sscanf(line.data(), "RssFile: %ld", &kib) == 1) {
      std::printf("%ld\n", kib * 1024);
    }
  }
  std::fflush(stdout);
  sleep(2);
  {
    const std::lock_guard lock(mutex);
    may_end = true;
  }
  changed.notify_all();
  for (std::thread& thread : threads) {
    thread.join();
  }
  return 0;
}
