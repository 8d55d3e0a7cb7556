// SPDX-License-Identifier: Apache-2.0
// Handler side (find_in_snapshot). Calls allowed there: raw_syscall (readable.h).
// The other (renew_module_snapshot). Calls allowed there: dl_iterate_phdr, getauxval.
#include "agent/unwind/module_snapshot.h"

#include <link.h>
#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "agent/unwind/readable.h"

namespace otprof::unwind {
namespace {

constexpr std::size_t kMaxModules = 4096;
constexpr std::uint64_t kTables = 4;
constexpr int kAttempts = 3;
constexpr std::uintptr_t kPage = 4096;
constexpr std::uintptr_t kStays = 1;
constexpr unsigned kMostFollowed = 512;  // entries of the loader's list

std::uintptr_t page_of(std::uintptr_t address) noexcept { return address & ~(kPage - 1); }

// One module, or one segment of the main program if there are gaps between them.
struct Range {
  std::uintptr_t start;  // of a page; kStays: loaded with the program
  std::uintptr_t end;    // exclusive
  std::uintptr_t eh_frame_hdr;
};

// Words are read while they may be written; what was torn is thrown away.
struct Entry {
  std::atomic<std::uintptr_t> start;
  std::atomic<std::uintptr_t> end;
  std::atomic<std::uintptr_t> eh_frame_hdr;
};

struct Table {
  std::array<Entry, kMaxModules> entries;
  std::atomic<std::size_t> count;
};

// Untouched pages of these cost nothing.
constinit std::array<Table, kTables> tables{};
// How many have been published. The last is tables[published % kTables].
constinit std::atomic<std::uint64_t> published{0};

// What the loader shows to debuggers, and the last entry of its list of which it is known that it stays.
constinit std::atomic<const r_debug*> loader_state{nullptr};
constinit std::atomic<const link_map*> last_with_program{nullptr};

// Pages in which no module was found, each with the table that was in use (page + factor * published): code
// that is no module's is not looked for again and again.
constexpr std::uint64_t kTableFactor = 0x9e3779b97f4a7c15;
constinit std::array<std::atomic<std::uint64_t>, 1024> pages_of_none{};

// The rest is used under the loader's lock only.
constinit std::array<Range, kMaxModules> collected{};
constinit std::size_t collected_count = 0;
constinit bool is_with_program = false;
constinit unsigned long long published_adds = 0;
constinit unsigned long long published_subs = 0;

void add(const Range& range) noexcept {
  if (range.start < range.end && collected_count < kMaxModules) {
    collected[collected_count++] = range;
  }
}

bool is_contiguous(const dl_phdr_info& info) noexcept {
  std::uintptr_t end = 0;
  for (unsigned i = 0; i < info.dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    if (end != 0 && page_of(segment.p_vaddr) > page_of(end + kPage - 1)) return false;
    end = segment.p_vaddr + segment.p_memsz;
  }
  return true;
}

// The loader's state not by its name, of which a program may have a copy of its own: where it is stands in the
// program's dynamic section.
void find_loader(const dl_phdr_info& program) noexcept {
  for (unsigned i = 0; i < program.dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = program.dlpi_phdr[i];
    if (segment.p_type != PT_DYNAMIC) continue;
    const auto* entry = reinterpret_cast<const Elf64_Dyn*>(program.dlpi_addr + segment.p_vaddr);
    while (entry->d_tag != DT_NULL && entry->d_tag != DT_DEBUG) ++entry;
    const auto* loader = reinterpret_cast<const r_debug*>(entry->d_un.d_ptr);
    if (entry->d_tag == DT_NULL || loader == nullptr) continue;
    const link_map* map = loader->r_map;
    while (map != nullptr && map->l_addr != getauxval(AT_BASE)) map = map->l_next;
    last_with_program.store(map != nullptr ? map : loader->r_map, std::memory_order_relaxed);
    loader_state.store(loader, std::memory_order_release);
  }
}

// The loader appends what is opened, and puts itself where it was needed first by what is loaded with the
// program: what comes before it stays.
int collect(dl_phdr_info* info, std::size_t, void*) {
  const bool is_program = collected_count == 0;
  const std::uintptr_t stays = is_with_program ? kStays : 0;
  if (info->dlpi_addr == getauxval(AT_BASE) || getauxval(AT_BASE) == 0) is_with_program = false;
  std::uintptr_t eh_frame_hdr = 0;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info->dlpi_phdr[i];
    if (segment.p_type == PT_GNU_EH_FRAME) eh_frame_hdr = info->dlpi_addr + segment.p_vaddr;
  }
  // The loader itself maps a module in one piece; the kernel leaves the program's gaps to others.
  const bool in_pieces = is_program && !is_contiguous(*info);
  Range whole{UINTPTR_MAX, 0, eh_frame_hdr};
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const std::uintptr_t start = page_of(info->dlpi_addr + segment.p_vaddr);
    const std::uintptr_t end = info->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    if (in_pieces) add({start | stays, end, eh_frame_hdr});
    whole.start = std::min(whole.start, start);
    whole.end = std::max(whole.end, end);
  }
  if (!in_pieces && whole.end != 0) add({whole.start | stays, whole.end, eh_frame_hdr});
  return 0;
}

// At the first object of an outer iteration, which holds the lock around the whole of the inner one.
int publish_if_changed(dl_phdr_info* info, std::size_t, void*) {
  const std::uint64_t last = published.load(std::memory_order_relaxed);
  if (last != 0 && info->dlpi_adds == published_adds && info->dlpi_subs == published_subs) return 1;
  if (last == 0) find_loader(*info);
  collected_count = 0;
  is_with_program = true;
  dl_iterate_phdr(collect, nullptr);
  std::sort(collected.begin(), collected.begin() + static_cast<std::ptrdiff_t>(collected_count),
            [](const Range& a, const Range& b) { return a.start < b.start; });
  // Whoever reads one of the words below also reads `published` as it is now, or later.
  std::atomic_thread_fence(std::memory_order_release);
  Table& table = tables[(last + 1) % kTables];
  for (std::size_t i = 0; i < collected_count; ++i) {
    table.entries[i].start.store(collected[i].start, std::memory_order_relaxed);
    table.entries[i].end.store(collected[i].end, std::memory_order_relaxed);
    table.entries[i].eh_frame_hdr.store(collected[i].eh_frame_hdr, std::memory_order_relaxed);
  }
  table.count.store(collected_count, std::memory_order_relaxed);
  published.store(last + 1, std::memory_order_release);
  // Last: a child forked by another thread in the middle of this publishes again.
  published_adds = info->dlpi_adds;
  published_subs = info->dlpi_subs;
  return 1;
}

// From the time when a module's last code has run, and some microseconds before it is unmapped, until it is
// off the loader's list.
bool is_unmapping() noexcept {
  const r_debug* loader = loader_state.load(std::memory_order_acquire);
  return loader != nullptr &&
         __atomic_load_n(&loader->r_state, __ATOMIC_ACQUIRE) == r_debug::RT_DELETE;
}

// The last range that starts at or before the address. False if there is none, or it ends before.
bool search(const Table& table, std::uintptr_t address, Module& module, bool& stays) noexcept {
  std::size_t low = 0;
  std::size_t high = std::min(table.count.load(std::memory_order_relaxed), kMaxModules);
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if ((table.entries[middle].start.load(std::memory_order_relaxed) & ~kStays) <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return false;
  const Entry& entry = table.entries[low - 1];
  const std::uintptr_t start = entry.start.load(std::memory_order_relaxed);
  stays = (start & kStays) != 0;
  module.map_start = start & ~kStays;
  module.map_end = entry.end.load(std::memory_order_relaxed);
  module.eh_frame_hdr = entry.eh_frame_hdr.load(std::memory_order_relaxed);
  return address < module.map_end;
}

// Of a module that may be closed. Nothing of it is read here: it may be unmapped while we look.
bool is_still_there(const Module& module) noexcept {
  if (is_unmapping()) return false;
  return is_readable(module.map_start) && is_readable(page_of(module.map_end - 1)) &&
         (module.eh_frame_hdr == 0 || is_readable(page_of(module.eh_frame_hdr)));
}

// One that is not in the loader's list any more may say anything.
bool is_list_entry(const link_map* map) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(map);
  return address % alignof(link_map) == 0 && is_readable(address) &&
         is_readable(reinterpret_cast<std::uintptr_t>(&map->l_next));
}

// The module whose file header is at `start`, if it holds the address.
bool is_module_of(std::uintptr_t start, std::uintptr_t address, Module& module) noexcept {
  module = {start, UINTPTR_MAX, 0};
  const ProgramHeaders headers = program_headers(module);
  module.map_end = 0;
  for (unsigned i = 0; i < headers.count; ++i) {
    const Elf64_Phdr& segment = headers.first[i];
    const std::uintptr_t begin = headers.load_bias + segment.p_vaddr;
    if (segment.p_type == PT_GNU_EH_FRAME) module.eh_frame_hdr = begin;
    if (segment.p_type == PT_LOAD)
      module.map_end = std::max(module.map_end, begin + segment.p_memsz);
  }
  return address < module.map_end && is_still_there(module);
}

// In the loader's own list, behind what was loaded with the program. Nobody keeps it from changing, so
// nothing in it is believed: an answer is a mapped file that holds the address. Of the files only the
// nearest is looked at: if code runs there it stays mapped, while any other may be about to go.
bool find_in_list(std::uintptr_t address, Module& module) noexcept {
  if (is_unmapping() || !is_readable(address & ~std::uintptr_t{7})) return false;
  std::uintptr_t nearest = 0;
  const link_map* map = last_with_program.load(std::memory_order_acquire);
  for (unsigned i = 0; map != nullptr && i < kMostFollowed; ++i) {
    map = __atomic_load_n(&map->l_next, __ATOMIC_RELAXED);
    if (map == nullptr) break;
    if (!is_list_entry(map)) return false;
    const std::uintptr_t start = __atomic_load_n(&map->l_addr, __ATOMIC_RELAXED);
    if (start % kPage == 0 && start <= address && start > nearest) nearest = start;
  }
  return nearest != 0 && is_readable(nearest) && is_module_of(nearest, address, module);
}

}  // namespace

bool find_in_snapshot(std::uintptr_t address, Module& module) noexcept {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t last = published.load(std::memory_order_acquire);
    if (last == 0) return false;
    bool stays = false;
    const bool is_found = search(tables[last % kTables], address, module, stays);
    std::atomic_thread_fence(std::memory_order_acquire);
    // Table `last` is written to again once `last + kTables - 1` is published.
    if (published.load(std::memory_order_relaxed) - last >= kTables - 1) continue;
    if (is_found && (stays || is_still_there(module))) return true;
    const std::uint64_t key = page_of(address) + kTableFactor * last;
    std::atomic<std::uint64_t>& none = pages_of_none[address / kPage % pages_of_none.size()];
    if (none.load(std::memory_order_relaxed) == key) return false;
    if (find_in_list(address, module)) return true;
    if (!is_unmapping()) none.store(key, std::memory_order_relaxed);
    return false;
  }
  return false;
}

void renew_module_snapshot() noexcept { dl_iterate_phdr(publish_if_changed, nullptr); }

}  // namespace otprof::unwind
