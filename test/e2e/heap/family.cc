// SPDX-License-Identifier: Apache-2.0
// family [SITE...]: a function of its own for each function of the allocation family. Each makes 1000 blocks of a
// known size and keeps the last ten. Prints nothing. Sites that are
// named are left out: some allocators lack functions, and glibc's then gives blocks that they do not take.
#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

extern "C" {
// Not in every libc. Where they are not, the blocks go by free().
[[gnu::weak]] void free_sized(void* pointer, std::size_t size);
[[gnu::weak]] void free_aligned_sized(void* pointer, std::size_t alignment, std::size_t size);
}

namespace {

constexpr int kBlocks = 1000;
constexpr int kKept = 10;

// Blocks stay reachable, and no pair of calls is optimised away.
std::array<void* volatile, 1000> kept;
std::size_t kept_count = 0;

template <typename Allocate, typename Free>
[[gnu::always_inline]] inline void each(Allocate allocate, Free release) {
  for (int i = 0; i < kBlocks; ++i) {
    void* volatile block = allocate();
    if (i < kBlocks - kKept) {
      release(block);
    } else {
      kept[kept_count++] = block;
    }
  }
}

// NOLINTBEGIN(cppcoreguidelines-no-malloc): that is what this is about
void release_plainly(void* block) { std::free(block); }

}  // namespace

extern "C" {

[[gnu::noinline]] void site_malloc() {
  each([] { return std::malloc(101); }, release_plainly);
}
[[gnu::noinline]] void site_malloc_zero() {
  each([] { return std::malloc(0); }, release_plainly);
}
[[gnu::noinline]] void site_calloc() {
  each([] { return std::calloc(7, 29); }, release_plainly);
}
[[gnu::noinline]] void site_realloc_null() {
  each([] { return std::realloc(nullptr, 307); }, release_plainly);
}
// Each makes two blocks: one of 50 bytes that goes and one of 5003.
[[gnu::noinline]] void site_realloc() {
  each([] { return std::realloc(std::malloc(50), 5003); }, release_plainly);
}
// As above: shrinking is an allocation, too.
[[gnu::noinline]] void site_realloc_shrink() {
  each([] { return std::realloc(std::malloc(4001), 33); }, release_plainly);
}
// A realloc that fails changes nothing.
[[gnu::noinline]] void site_realloc_fails() {
  each(
      [] {
        void* block = std::malloc(211);
        volatile std::size_t too_much = PTRDIFF_MAX;
        if (std::realloc(block, too_much) != nullptr) {
          std::abort();
        }
        return block;
      },
      release_plainly);
}
[[gnu::noinline]] void site_reallocarray() {
  each([] { return reallocarray(nullptr, 9, 45); }, release_plainly);
}
[[gnu::noinline]] void site_memalign() {
  each([] { return memalign(256, 503); }, release_plainly);
}
[[gnu::noinline]] void site_aligned_alloc() {
  each([] { return std::aligned_alloc(64, 640); },
       [](void* block) {
         free_aligned_sized != nullptr ? free_aligned_sized(block, 64, 640) : std::free(block);
       });
}
[[gnu::noinline]] void site_posix_memalign() {
  each(
      [] {
        void* block = nullptr;
        return posix_memalign(&block, 512, 701) == 0 ? block : nullptr;
      },
      release_plainly);
}
[[gnu::noinline]] void site_valloc() {
  each([] { return valloc(809); }, release_plainly);
}
[[gnu::noinline]] void site_pvalloc() {
  each([] { return pvalloc(907); }, release_plainly);
}
[[gnu::noinline]] void site_free_sized() {
  each([] { return std::malloc(1009); },
       [](void* block) { free_sized != nullptr ? free_sized(block, 1009) : std::free(block); });
}
[[gnu::noinline]] void site_cfree() {
  // Old programs reach it under a version that new ones cannot name.
  static const auto old_free = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_DEFAULT, "cfree"));
  each([] { return std::malloc(1103); },
       [](void* block) { old_free != nullptr ? old_free(block) : std::free(block); });
}
[[gnu::noinline]] void site_new() {
  each([]() -> void* { return ::operator new(1201); },
       [](void* block) { ::operator delete(block); });
}
[[gnu::noinline]] void site_new_array() {
  each([]() -> void* { return ::operator new[](1301); },
       [](void* block) { ::operator delete[](block); });
}
[[gnu::noinline]] void site_new_nothrow() {
  each([]() -> void* { return ::operator new(1409, std::nothrow); },
       [](void* block) { ::operator delete(block, std::nothrow); });
}
[[gnu::noinline]] void site_new_aligned() {
  constexpr auto kAlignment = std::align_val_t{128};
  each([]() -> void* { return ::operator new(1536, kAlignment); },
       [](void* block) { ::operator delete(block, kAlignment); });
}
}
// NOLINTEND(cppcoreguidelines-no-malloc)

namespace {

struct Site {
  std::string_view name;
  void (*run)();
};

constexpr std::array kSites = {
    Site{"malloc", site_malloc},
    Site{"malloc_zero", site_malloc_zero},
    Site{"calloc", site_calloc},
    Site{"realloc_null", site_realloc_null},
    Site{"realloc", site_realloc},
    Site{"realloc_shrink", site_realloc_shrink},
    Site{"realloc_fails", site_realloc_fails},
    Site{"reallocarray", site_reallocarray},
    Site{"memalign", site_memalign},
    Site{"aligned_alloc", site_aligned_alloc},
    Site{"posix_memalign", site_posix_memalign},
    Site{"valloc", site_valloc},
    Site{"pvalloc", site_pvalloc},
    Site{"free_sized", site_free_sized},
    Site{"cfree", site_cfree},
    Site{"new", site_new},
    Site{"new_array", site_new_array},
    Site{"new_nothrow", site_new_nothrow},
    Site{"new_aligned", site_new_aligned},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Site& site : kSites) {
    if (std::find(argv + 1, argv + argc, site.name) == argv + argc) {
      site.run();
    }
  }
  return 0;
}
