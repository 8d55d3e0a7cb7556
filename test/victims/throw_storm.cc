// SPDX-License-Identifier: Apache-2.0
//
// Four threads throw through ten frames while main opens and closes a library: the unwinder of the
// exceptions and that of the samples want the loader's lock at once (peers hang 8/8, crash 4/4).
#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "test/victims/victim.h"

namespace {

struct Counted {
  explicit Counted(long& count) : count_(count) {}
  ~Counted() { ++count_; }
  long& count_;
};

[[gnu::noinline]] long down(int depth, long& destroyed) {
  Counted counted(destroyed);
  if (depth == 0) {
    throw std::runtime_error(std::to_string(destroyed));
  }
  return down(depth - 1, destroyed) + 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::thread> threads;
  std::atomic<long> caught{0};
  std::atomic<long> destroyed{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      long mine = 0;
      for (int round = 0; round < 8000; ++round) {
        try {
          down(9, mine);
        } catch (const std::exception&) {
          ++caught;
        }
      }
      destroyed += mine;
    });
  }
  for (int i = 0; i < 200; ++i) {
    void* library = dlopen(argv[argc - 1], RTLD_NOW);
    reinterpret_cast<long (*)(long)>(dlsym(library, "plugin_work"))(20000);
    dlclose(library);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::printf("%ld caught, %ld destroyed\n", caught.load(), destroyed.load());
}
