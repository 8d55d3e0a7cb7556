// SPDX-License-Identifier: Apache-2.0
//
// hazard SECONDS PLUGIN: seven threads at what hangs profilers: loading and unloading modules, throwing,
// allocating, walking the list of modules, starting threads. Every result is checked, and that every
// thread gets on. Prints the rounds each thread made; status 1 if one was wrong or stood still.
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

// Far more than a thread has to wait for a processor on a busy machine.
constexpr unsigned kStandstillSeconds = 10;

std::atomic<bool> done{false};
std::atomic<unsigned> wrong{0};

void check(bool is_right, const char* what) {
  if (!is_right && wrong.fetch_add(1) < 5) std::fprintf(stderr, "hazard: %s\n", what);
}

void load(const char* plugin) {
  void* handle = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
  check(handle != nullptr, "dlopen failed");
  if (handle == nullptr) return;
  using Work = long (*)(long);
  auto* const work = reinterpret_cast<Work>(dlsym(handle, "plugin_work"));
  const long first = work(3000);
  check(first == work(3000), "a plugin's result changed");
  dlclose(handle);
}

[[gnu::noinline]] int throw_from(int depth) {
  const std::string kept(40, 'x');
  if (depth == 0) throw std::runtime_error(kept);
  return throw_from(depth - 1) + static_cast<int>(kept.size());
}

void throw_and_catch(const char*) {
  bool is_caught = false;
  try {
    throw_from(8);
  } catch (const std::runtime_error& error) {
    is_caught = std::strlen(error.what()) == 40;
  }
  check(is_caught, "an exception was lost");
}

void allocate(const char*) {
  std::array<char*, 100> blocks{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = static_cast<char*>(std::malloc(16 + i * 37));
    std::memset(blocks[i], static_cast<int>(i), 16 + i * 37);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    check(blocks[i][15 + i * 37] == static_cast<char>(i), "a block was overwritten");
    std::free(blocks[i]);
  }
}

void list_modules(const char*) {
  int count = 0;
  dl_iterate_phdr(
      [](dl_phdr_info*, std::size_t, void* counter) {
        ++*static_cast<int*>(counter);
        return 0;
      },
      &count);
  check(count >= 4, "modules are missing");
}

void start_thread(const char* plugin) { std::thread(throw_and_catch, plugin).join(); }

struct Worker {
  const char* name;
  void (*round)(const char*);
  std::atomic<unsigned long> rounds{0};
};

std::array<Worker, 7> workers = {{{"load", load},
                                  {"load too", load},
                                  {"throw", throw_and_catch},
                                  {"throw too", throw_and_catch},
                                  {"allocate", allocate},
                                  {"list modules", list_modules},
                                  {"start threads", start_thread}}};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const unsigned seconds = static_cast<unsigned>(std::atoi(argv[1]));
  std::vector<std::thread> threads;
  threads.reserve(std::size(workers));
  for (Worker& worker : workers) {
    threads.emplace_back([&worker, argv] {
      while (!done) {
        worker.round(argv[2]);
        ++worker.rounds;
      }
    });
  }
  std::array<unsigned long, workers.size()> before{};
  std::array<unsigned, workers.size()> still{};
  for (unsigned second = 0; second < seconds; ++second) {
    sleep(1);
    for (std::size_t i = 0; i < workers.size(); ++i) {
      const unsigned long now = workers[i].rounds;
      still[i] = now == before[i] ? still[i] + 1 : 0;
      before[i] = now;
      if (still[i] == kStandstillSeconds) {
        std::printf("%s stands still\n", workers[i].name);
        std::fflush(stdout);
        _exit(1);
      }
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  for (const Worker& worker : workers) std::printf("%s %lu\n", worker.name, worker.rounds.load());
  return wrong == 0 ? 0 : 1;
}
