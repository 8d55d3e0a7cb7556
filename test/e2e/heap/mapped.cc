// SPDX-License-Identifier: Apache-2.0
// mapped family|released|sampled|threads: memory that a program maps itself, each kind of call in a function of its
// own. `family` prints nothing; what each site makes and keeps is in test_mapped.py. `released` does the
// same and then unmaps all of it. `sampled` maps and keeps many blocks. `threads` prints how many bytes are mapped
// in the end.
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kPage = 4096;
constexpr int kUsable = PROT_READ | PROT_WRITE;
constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;

[[gnu::always_inline]] inline char* usable(void* address, int more = 0) {
  if (address == MAP_FAILED) {
    std::perror("mmap");
    std::_Exit(1);
  }
  static_cast<volatile char*>(address)[0] = static_cast<char>(more);
  return static_cast<char*>(address);
}

[[gnu::always_inline]] inline char* map(std::size_t pages) {
  return usable(mmap(nullptr, pages * kPage, kUsable, kPrivate, -1, 0));
}

struct Block {
  char* address;
  std::size_t pages;
};
// What the sites have left mapped.
std::vector<Block> kept;
void keep(char* address, std::size_t pages) { kept.push_back({address, pages}); }

void require(bool is_right, const char* what) {
  if (!is_right) {
    std::fprintf(stderr, "%s\n", what);
    std::_Exit(1);
  }
}

void unmap(char* address, std::size_t pages) {
  require(munmap(address, pages * kPage) == 0, "munmap");
}

// Past libc, so that no library can see it.
long call_kernel(long number, const void* a, std::size_t b) {
  long result = number;
  __asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b) : "rcx", "r11", "memory");
  return result;
}

}  // namespace

extern "C" {

[[gnu::noinline]] void site_plain() {
  for (int i = 0; i < 10; ++i) {
    char* block = map(16);
    i < 7 ? unmap(block, 16) : keep(block, 16);
  }
}
[[gnu::noinline]] void site_odd() {
  keep(usable(mmap64(nullptr, 5000, kUsable, kPrivate, -1, 0)), 2);
}
[[gnu::noinline]] void site_partial() {
  char* block = map(16);
  unmap(block, 2);
  unmap(block + 13 * kPage, 3);
  unmap(block + 5 * kPage, 4);
  keep(block + 2 * kPage, 3);
  keep(block + 9 * kPage, 4);
}
[[gnu::noinline]] void site_over(char* block) {
  usable(mmap(block, 4 * kPage, kUsable, kPrivate | MAP_FIXED, -1, 0));
}
[[gnu::noinline]] void site_under() {
  char* block = map(12);
  site_over(block + 4 * kPage);
  unmap(block + 7 * kPage, 3);  // the last of the new block, the next two of the old one
  keep(block, 7);
  keep(block + 10 * kPage, 2);
}
[[gnu::noinline]] void site_commit(char* reserved) {
  usable(mmap(reserved, 3 * kPage, kUsable, kPrivate | MAP_FIXED, -1, 0));
}
[[gnu::noinline]] void site_reserve() {
  constexpr std::size_t kBytes = std::size_t{1} << 30U;
  void* reserved = mmap(nullptr, kBytes, PROT_NONE, kPrivate | MAP_NORESERVE, -1, 0);
  require(reserved != MAP_FAILED, "reserve");
  char* part = static_cast<char*>(reserved) + 8 * kPage;
  site_commit(part);
  require(mmap(part + kPage, kPage, PROT_NONE, kPrivate | MAP_FIXED, -1, 0) != MAP_FAILED,
          "decommit");
  keep(static_cast<char*>(reserved), kBytes / kPage);
}
[[gnu::noinline]] char* site_small() { return map(4); }
[[gnu::noinline]] void site_grow() {
  keep(usable(mremap(site_small(), 4 * kPage, 100 * kPage, MREMAP_MAYMOVE)), 100);
}
[[gnu::noinline]] void site_grow_in_place() {
  // Only the kernel knows whether there is room behind it: made here.
  char* block = map(40);
  unmap(block + 10 * kPage, 30);
  require(mremap(block, 10 * kPage, 20 * kPage, 0) == block, "grow in place");
  keep(block, 20);
}
[[gnu::noinline]] void site_shrink() {
  char* block = map(100);
  require(mremap(block, 100 * kPage, 30 * kPage, 0) == block, "shrink");
  keep(block, 30);
}
[[gnu::noinline]] void site_target(char*& target) { target = map(20); }
[[gnu::noinline]] void site_move() {
  char* target = nullptr;
  site_target(target);
  char* block = map(9);
  require(mremap(block, 9 * kPage, 5 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, target + kPage) ==
              target + kPage,
          "move");
  keep(target, 20);
}
[[gnu::noinline]] void site_leave_mapped() {
  char* block = map(6);
  keep(usable(mremap(block, 6 * kPage, 6 * kPage, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr)), 6);
  keep(block, 6);
}
[[gnu::noinline]] void site_failing() {
  char* block = map(7);
  require(munmap(block + 1, 7 * kPage) == -1, "munmap of no page");
  require(munmap(block, 0) == -1, "munmap of nothing");
  require(mremap(block, 7 * kPage, SIZE_MAX / 2, MREMAP_MAYMOVE) == MAP_FAILED, "mremap of most");
  require(mmap(nullptr, 0, kUsable, kPrivate, -1, 0) == MAP_FAILED, "mmap of nothing");
  require(mmap(nullptr, SIZE_MAX / 4, kUsable, kPrivate, -1, 0) == MAP_FAILED, "mmap of most");
  require(mmap(block, kPage, kUsable, kPrivate | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED,
          "mmap where something is");
  keep(block, 7);
}
[[gnu::noinline]] void site_file() {
  const int file = memfd_create("mapped", 0);
  require(ftruncate(file, 64 * kPage) == 0, "ftruncate");
  void* first = mmap(nullptr, 4 * kPage, kUsable, MAP_PRIVATE, file, 0);
  require(first != MAP_FAILED, "mmap of a file");
  require(mremap(first, 4 * kPage, 64 * kPage, MREMAP_MAYMOVE) != MAP_FAILED, "mremap of a file");
  close(file);
}
[[gnu::noinline]] void site_under_file() {
  const int file = memfd_create("mapped", 0);
  require(ftruncate(file, kPage) == 0, "ftruncate");
  char* block = map(8);
  require(mmap(block + kPage, kPage, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED,
          "mmap of a file over memory");
  keep(block, 8);
  close(file);
}
[[gnu::noinline]] void site_shared() {
  keep(usable(mmap(nullptr, 5 * kPage, kUsable, MAP_SHARED | MAP_ANONYMOUS, -1, 0)), 5);
}
[[gnu::noinline]] char* site_gone() { return map(50); }
[[gnu::noinline]] void site_in_its_place() {
  char* block = site_gone();
  require(call_kernel(SYS_munmap, block, 50 * kPage) == 0, "munmap past libc");
  require(usable(mmap(block, 50 * kPage, kUsable, kPrivate | MAP_FIXED_NOREPLACE, -1, 0)) == block,
          "mmap where memory was");
  keep(block, 50);
}
[[gnu::noinline]] void site_syscall() {
  void* block =
      reinterpret_cast<void*>(syscall(SYS_mmap, nullptr, 11 * kPage, kUsable, kPrivate, -1, 0));
  usable(block);
  require(syscall(SYS_munmap, block, 2 * kPage) == 0, "munmap by syscall");
  char* rest = static_cast<char*>(block) + 2 * kPage;
  require(syscall(SYS_mremap, rest, 9 * kPage, 8 * kPage, 0) == reinterpret_cast<long>(rest),
          "mremap by syscall");
  keep(rest, 8);
}
// Stacks and heaps that libc maps are not the program's.
[[gnu::noinline]] void site_thread() {
  std::thread([] {
    void* volatile block = std::malloc(std::size_t{1} << 20U);
    std::free(block);
  }).join();
}
[[gnu::noinline]] void site_kept(std::size_t pages) { keep(map(pages), pages); }
[[gnu::noinline]] char* site_random(std::size_t pages) { return map(pages); }
[[gnu::noinline]] char* site_random_over(char* address, std::size_t pages) {
  return usable(mmap(address, pages * kPage, kUsable, kPrivate | MAP_FIXED, -1, 0));
}
[[gnu::noinline]] char* site_random_move(char* address, std::size_t pages, std::size_t wanted) {
  // A block that something was mapped over may be two for the kernel; then it stays as it is.
  void* moved = mremap(address, pages * kPage, wanted * kPage, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? nullptr : usable(moved);
}
}

namespace {

void run_family() {
  site_plain();
  site_odd();
  site_partial();
  site_under();
  site_reserve();
  site_grow();
  site_grow_in_place();
  site_shrink();
  site_move();
  site_leave_mapped();
  site_failing();
  site_file();
  site_under_file();
  site_shared();
  site_in_its_place();
  site_syscall();
  site_thread();
}

void run_sampled() {
  constexpr std::size_t kBlocks = 20'000;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    site_kept(16);
    char* block = kept.back().address;
    if (i % 4 != 0) {
      unmap(block, 16);
    } else if (i % 8 == 0) {
      unmap(block + 3 * kPage, 8);
    }
  }
}

// Blocks change hands, and parts of one block go on several threads at once.
class Threads {
 public:
  void work(std::mt19937::result_type seed) {
    std::mt19937 random(seed);
    std::vector<Block> own;
    for (int i = 0; i < 1500; ++i) {
      if (own.size() < 60) {
        const std::size_t pages = 1 + random() % 40;
        own.push_back({site_random(pages), pages});
      }
      Block& block = own[random() % own.size()];
      switch (random() % 6) {
        case 0: {
          const std::size_t wanted = 1 + random() % 60;
          if (char* moved = site_random_move(block.address, block.pages, wanted)) {
            block = {moved, wanted};
          }
          break;
        }
        case 1: give_half(block); break;
        case 2: take(own); break;
        case 3: {
          const std::size_t first = random() % block.pages;
          site_random_over(block.address + first * kPage, 1 + random() % (block.pages - first));
          break;
        }
        default: {
          std::swap(block, own.back());
          unmap_in_pieces(own.back(), random());
          own.pop_back();
        }
      }
    }
    std::size_t pages = 0;
    for (const Block& block : own) {
      pages += block.pages;
    }
    const std::lock_guard lock(mutex_);
    pages_ += pages;
  }
  std::size_t bytes() const {
    std::size_t pages = pages_;
    for (const Block& block : given_) {
      pages += block.pages;
    }
    return pages * kPage;
  }

 private:
  static void unmap_in_pieces(const Block& block, std::size_t random) {
    const std::size_t middle = block.pages / 3;
    if (middle == 0 || random % 2 == 0) {
      unmap(block.address, block.pages);
      return;
    }
    // Pages that have gone may be another thread's by now.
    unmap(block.address + middle * kPage, middle);
    unmap(block.address + 2 * middle * kPage, block.pages - 2 * middle);
    unmap(block.address, middle);
  }
  void give_half(Block& block) {
    const std::size_t half = block.pages / 2;
    if (half == 0) {
      return;
    }
    const std::lock_guard lock(mutex_);
    if (given_.size() < 100) {
      block.pages -= half;
      given_.push_back({block.address + block.pages * kPage, half});
    }
  }
  void take(std::vector<Block>& own) {
    const std::lock_guard lock(mutex_);
    if (!given_.empty()) {
      own.push_back(given_.back());
      given_.pop_back();
    }
  }

  std::mutex mutex_;
  std::vector<Block> given_;
  std::size_t pages_ = 0;
};

void run_threads() {
  Threads shared;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&shared, t] { shared.work(t); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::printf("%zu\n", shared.bytes());
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view what = arguments[1];
  if (what == "sampled") {
    run_sampled();
  } else if (what == "threads") {
    run_threads();
  } else {
    run_family();
    if (what == "released") {
      for (const Block& block : kept) {
        unmap(block.address, block.pages);
      }
    }
  }
}
