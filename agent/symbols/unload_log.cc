// SPDX-License-Identifier: Apache-2.0
//
// Host side (look). Calls allowed there: dl_iterate_phdr, memcpy, strlen.
#include "agent/symbols/unload_log.h"

#include <link.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "agent/symbols/loaded_objects.h"

namespace otprof::symbols {
namespace {

constexpr std::size_t kMaxObjects = 4096;
// Two for each module that is unloaded; what a quarter of a second may bring.
constexpr std::size_t kRecords = 1024;
constexpr std::uintptr_t kPage = 4096;

// With its bias, the place of a module's program headers tells it from any other that is loaded.
struct Object {
  std::uintptr_t bias;
  const Elf64_Phdr* program_headers;
  bool operator==(const Object&) const = default;
};

struct ObjectList {
  std::array<Object, kMaxObjects> objects;
  std::size_t count;
};

// All of this is changed under the loader's lock only. Untouched pages of it cost nothing.
constinit ObjectList known{};
constinit ObjectList current{};
constinit LoaderGeneration known_generation{};

constinit std::array<UnloadRecord, kRecords> records{};
std::atomic<std::uint64_t> written{0};
std::atomic<std::uint64_t> taken{0};
std::atomic<std::uint64_t> records_lost{0};

UnloadRecord* new_record() noexcept {
  const std::uint64_t next = written.load(std::memory_order_relaxed);
  if (next - taken.load(std::memory_order_acquire) == kRecords) {
    records_lost.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  UnloadRecord& record = records[next % kRecords];
  record = {};
  return &record;
}

void publish() noexcept { written.fetch_add(1, std::memory_order_release); }

void record_gone(const Object& object, std::uint64_t now_ns) noexcept {
  if (UnloadRecord* record = new_record()) {
    record->bias = object.bias;
    record->gone_ns = now_ns;
    publish();
  }
}

void copy_notes(const dl_phdr_info& info, UnloadRecord& record) noexcept {
  if (record.segment_count == 0) return;
  const std::uintptr_t start = info.dlpi_addr + record.segments[0].p_vaddr;
  for (unsigned i = 0; i < info.dlpi_phnum; ++i) {
    const Elf64_Phdr& segment = info.dlpi_phdr[i];
    const std::uintptr_t notes = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_NOTE || notes - start >= kPage ||
        segment.p_memsz > kPage - (notes - start) || segment.p_memsz > record.notes.size()) {
      continue;
    }
    std::memcpy(record.notes.data(), reinterpret_cast<const void*>(notes), segment.p_memsz);
    record.notes_size = segment.p_memsz;
    record.notes_alignment = segment.p_align;
    // Some modules have a second one, aligned to 8, that holds properties and no build id.
    if (segment.p_align == 4) return;
  }
}

void record_module(const dl_phdr_info& info) noexcept {
  UnloadRecord* record = new_record();
  if (record == nullptr) return;
  record->bias = info.dlpi_addr;
  for (unsigned i = 0; i < info.dlpi_phnum; ++i) {
    if (info.dlpi_phdr[i].p_type == PT_LOAD && record->segment_count < record->segments.size()) {
      record->segments[record->segment_count++] = info.dlpi_phdr[i];
    }
  }
  if (info.dlpi_name != nullptr) {
    const std::size_t size = std::strlen(info.dlpi_name);
    std::memcpy(record->name.data(), info.dlpi_name, std::min(size, record->name.size() - 1));
  }
  copy_notes(info, *record);
  publish();
}

// One look at the loader's list. It keeps its order, and what is loaded comes last: so both lists are
// walked at once.
struct Look {
  std::uint64_t now_ns = 0;
  std::size_t next_known = 0;
  bool has_unloaded = false;
};

void take_gone(Look& look, std::size_t until) noexcept {
  for (; look.next_known < until; ++look.next_known) {
    record_gone(known.objects[look.next_known], look.now_ns);
    look.has_unloaded = true;
  }
}

int look_at_object(dl_phdr_info* info, std::size_t, void* data) {
  Look& look = *static_cast<Look*>(data);
  const Object object{info->dlpi_addr, info->dlpi_phdr};
  std::size_t found = look.next_known;
  while (found < known.count && !(known.objects[found] == object)) ++found;
  if (found < known.count) {
    take_gone(look, found);
    ++look.next_known;
  } else {
    record_module(*info);
  }
  if (current.count < kMaxObjects) current.objects[current.count++] = object;
  return 0;
}

// At the first object of an outer iteration, which holds the lock around the whole of the inner one.
int look_under_lock(dl_phdr_info* info, std::size_t, void* data) {
  Look& look = *static_cast<Look*>(data);
  const LoaderGeneration generation{info->dlpi_adds, info->dlpi_subs};
  if (generation == known_generation) return 1;
  current.count = 0;
  iterate_loaded_objects(look_at_object, &look);
  take_gone(look, known.count);
  std::copy_n(current.objects.begin(), current.count, known.objects.begin());
  known.count = current.count;
  known_generation = generation;
  return 1;
}

}  // namespace

bool UnloadLog::look(std::uint64_t now_ns) noexcept {
  Look seen{.now_ns = now_ns};
  iterate_loaded_objects(look_under_lock, &seen);
  return seen.has_unloaded;
}

const UnloadRecord* UnloadLog::oldest() noexcept {
  const std::uint64_t next = taken.load(std::memory_order_relaxed);
  return next == written.load(std::memory_order_acquire) ? nullptr : &records[next % kRecords];
}

void UnloadLog::drop_oldest() noexcept { taken.fetch_add(1, std::memory_order_release); }

std::uint64_t UnloadLog::lost() noexcept { return records_lost.load(std::memory_order_relaxed); }

}  // namespace otprof::symbols
