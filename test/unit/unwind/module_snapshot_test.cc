// SPDX-License-Identifier: Apache-2.0
#include "agent/unwind/module_snapshot.h"

#include <dlfcn.h>
#include <link.h>
#include <sched.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace otprof::unwind {
namespace {

struct Text {
  std::uintptr_t begin;
  std::uintptr_t end;
};

int collect_text(dl_phdr_info* info, std::size_t, void* data) {
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    static_cast<std::vector<Text>*>(data)->push_back({begin, begin + segment.p_memsz});
  }
  return 0;
}

std::vector<Text> all_text() {
  std::vector<Text> text;
  dl_iterate_phdr(collect_text, &text);
  return text;
}

bool operator==(const Module& a, const Module& b) {
  return a.map_start == b.map_start && a.map_end == b.map_end && a.eh_frame_hdr == b.eh_frame_hdr;
}

// What either of the two says of an address.
struct Answer {
  bool is_found = false;
  Module module;
  bool operator==(const Answer& other) const {
    return is_found == other.is_found && (!is_found || module == other.module);
  }
};

Answer by_snapshot(std::uintptr_t address) {
  Answer answer;
  answer.is_found = find_in_snapshot(address, answer.module);
  return answer;
}

// find_object(), which is the snapshot again where the C library has nothing: there the tests still
// run, but compare it with itself.
Answer by_loader(std::uintptr_t address) {
  Answer answer;
  answer.is_found = find_object(address, answer.module);
  return answer;
}

std::size_t differences(const Text& text, std::uintptr_t step) {
  std::size_t count = 0;
  for (std::uintptr_t address = text.begin; address < text.end; address += step) {
    if (!(by_snapshot(address) == by_loader(address))) ++count;
  }
  return count;
}

constexpr std::array kLibraries = {"libutil.so.1", "libresolv.so.2", "libBrokenLocale.so.1",
                                   "libanl.so.1", "libthread_db.so.1"};

std::uintptr_t start_of(void* handle) {
  const auto* map = static_cast<const link_map*>(handle);
  return map->l_addr;
}

r_debug* loader_state() {
  for (const Elf64_Dyn* entry = _DYNAMIC; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_DEBUG) return reinterpret_cast<r_debug*>(entry->d_un.d_ptr);
  }
  return nullptr;
}

}  // namespace

TEST_CASE("the snapshot and the C library say the same of every address of code", "[snapshot]") {
  void* opened = dlopen("libresolv.so.2", RTLD_NOW);
  REQUIRE(opened != nullptr);
  renew_module_snapshot();
  know_loaded_modules();
  const std::vector<Text> text = all_text();
  REQUIRE(text.size() >= 4);
  for (const Text& code : text) {
    CAPTURE(code.begin, code.end);
    CHECK(by_snapshot(code.begin).is_found);
    CHECK(differences(code, 1) == 0);
  }
  dlclose(opened);
}

TEST_CASE("the snapshot finds nothing where there is no module", "[snapshot]") {
  renew_module_snapshot();
  know_loaded_modules();
  int on_stack = 0;
  // Too large for the gaps that the kernel leaves in the loader on some systems.
  constexpr std::size_t kLarge = 64 << 20;
  void* page = mmap(nullptr, kLarge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (const auto address :
       {std::uintptr_t{0}, std::uintptr_t{1}, reinterpret_cast<std::uintptr_t>(&on_stack),
        reinterpret_cast<std::uintptr_t>(page), ~std::uintptr_t{0}}) {
    CHECK_FALSE(by_snapshot(address).is_found);
    CHECK(by_snapshot(address) == by_loader(address));
  }
  munmap(page, kLarge);
  // Around each module, its first and its last byte included.
  for (const Text& code : all_text()) {
    const Module module = by_snapshot(code.begin).module;
    for (const std::uintptr_t address :
         {module.map_start - 1, module.map_start, module.map_end - 1, module.map_end}) {
      CAPTURE(module.map_start, module.map_end, address);
      CHECK(by_snapshot(address) == by_loader(address));
    }
  }
}

TEST_CASE("a module that is opened is found, and before the snapshot is renewed, too",
          "[snapshot]") {
  renew_module_snapshot();
  void* opened = dlopen("libresolv.so.2", RTLD_NOW);
  REQUIRE(opened != nullptr);
  const std::uintptr_t start = start_of(opened);
  const Answer before = by_snapshot(start);
  renew_module_snapshot();
  CHECK(by_snapshot(start).is_found);
  CHECK(before == by_snapshot(start));
  dlclose(opened);
}

TEST_CASE("a module that is closed is not found, before the snapshot is renewed neither",
          "[snapshot]") {
  void* opened = dlopen("libresolv.so.2", RTLD_NOW);
  REQUIRE(opened != nullptr);
  renew_module_snapshot();
  const std::uintptr_t start = start_of(opened);
  const Answer there = by_snapshot(start);
  REQUIRE(there.is_found);
  dlclose(opened);
  CHECK_FALSE(by_snapshot(start).is_found);
  // Something else in its place is not taken for it, or at least not for a table.
  const std::size_t size = there.module.map_end - there.module.map_start;
  for (const std::size_t taken : {std::size_t{4096}, size}) {
    void* other = mmap(reinterpret_cast<void*>(start), taken, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(other == reinterpret_cast<void*>(start));
    if (Module module; taken < size) {
      CHECK_FALSE(find_in_snapshot(start, module));
    } else if (find_in_snapshot(start, module)) {
      CHECK(readable_segment(module, module.eh_frame_hdr).size() <= size);
      CHECK(program_headers(module).count == 0);
    }
    munmap(other, taken);
  }
  renew_module_snapshot();
  CHECK_FALSE(by_snapshot(start).is_found);
}

TEST_CASE("while the loader removes something only what stays is found", "[snapshot]") {
  r_debug* loader = loader_state();
  REQUIRE(loader != nullptr);
  void* opened = dlopen("libresolv.so.2", RTLD_NOW);
  REQUIRE(opened != nullptr);
  renew_module_snapshot();
  CHECK(by_snapshot(start_of(opened)).is_found);
  loader->r_state = r_debug::RT_DELETE;
  CHECK_FALSE(by_snapshot(start_of(opened)).is_found);
  CHECK(by_snapshot(reinterpret_cast<std::uintptr_t>(&loader_state)).is_found);
  CHECK(by_snapshot(reinterpret_cast<std::uintptr_t>(&dlopen)).is_found);
  loader->r_state = r_debug::RT_CONSISTENT;
  CHECK(by_snapshot(start_of(opened)).is_found);
  dlclose(opened);
  renew_module_snapshot();
}

// One module after the other, each held open by whoever looks at it, as by a thread that runs in it.
struct Turn {
  std::shared_mutex held;
  std::uintptr_t start = 0;  // 0: none is open
};

// Two threads open and close; two look up what has been there all the time, and what is open at the moment.
TEST_CASE("the snapshot holds while modules come and go", "[snapshot]") {
  renew_module_snapshot();
  know_loaded_modules();
  struct Watched {
    std::uintptr_t address;
    Answer answer;
  };
  std::vector<Watched> lasting;
  for (const Text& code : all_text()) {
    for (std::uintptr_t address = code.begin; address < code.end; address += 4099) {
      lasting.push_back({address, by_loader(address)});
    }
  }
  std::atomic<bool> is_over{false};
  std::array<Turn, 2> turns;
  std::atomic<std::size_t> wrong{0};
  std::atomic<std::size_t> lookups{0};
  std::atomic<std::size_t> found{0};
  const auto look = [&] {
    while (!is_over.load()) {
      for (const Watched& watched : lasting) {
        if (!(by_snapshot(watched.address) == watched.answer)) ++wrong;
      }
      lookups += lasting.size();
      for (Turn& turn : turns) {
        const std::shared_lock hold(turn.held);
        if (turn.start == 0) continue;
        const Answer answer = by_snapshot(turn.start);
        // Not found while the other thread's module is unmapped; which may be what the other says where that
        // is the snapshot as well.
        const bool is_same = !has_find_object() || answer == by_loader(turn.start);
        if (answer.is_found && !is_same) ++wrong;
        if (answer.is_found) ++found;
      }
    }
  };
  const auto take_turns = [&](std::size_t writer) {
    Turn& turn = turns[writer];
    for (std::size_t round = 0; round < 3000; ++round) {
      void* handle = dlopen(kLibraries[(round + writer) % kLibraries.size()], RTLD_NOW);
      if (handle == nullptr) continue;
      {
        const std::unique_lock change(turn.held);
        turn.start = start_of(handle);
      }
      if (round % 2 == 0) renew_module_snapshot();
      int attempts = 100'000;
      while (!by_snapshot(turn.start).is_found && --attempts > 0) {
        sched_yield();
        if (round % 2 == 1) renew_module_snapshot();
      }
      if (attempts == 0) ++wrong;
      const std::unique_lock change(turn.held);
      turn.start = 0;
      dlclose(handle);
      renew_module_snapshot();
    }
  };
  std::thread first_reader(look);
  std::thread second_reader(look);
  std::thread first_writer(take_turns, 0);
  std::thread second_writer(take_turns, 1);
  first_writer.join();
  second_writer.join();
  is_over.store(true);
  first_reader.join();
  second_reader.join();
  CHECK(wrong.load() == 0);
  CHECK(lookups.load() > 0);
  CHECK(found.load() > 0);
}

}  // namespace otprof::unwind
