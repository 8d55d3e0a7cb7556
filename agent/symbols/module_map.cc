// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/module_map.h"

#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

#include "agent/symbols/build_id.h"
#include "agent/symbols/loaded_objects.h"
#include "agent/symbols/module_file.h"
#include "agent/symbols/module_ranges.h"
#include "agent/symbols/process_maps.h"
#include "agent/symbols/process_memory.h"
#include "agent/symbols/unload_log.h"

namespace otprof::symbols {
namespace {

constexpr std::uint16_t kMaxSegments = 128;
constexpr int kScanAttempts = 3;

std::string build_id_in_memory(const ProcessMemory& memory, std::span<const Elf64_Phdr> segments,
                               std::uintptr_t bias) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_NOTE || segment.p_memsz > kMaxNoteBytes) continue;
    std::vector<std::byte> notes(segment.p_memsz);
    if (!memory.read(bias + segment.p_vaddr, notes.data(), notes.size())) continue;
    std::string id = find_build_id(notes, segment.p_align);
    if (!id.empty()) return id;
  }
  return {};
}

std::string working_directory() {
  std::array<char, 4096> buffer;
  return getcwd(buffer.data(), buffer.size()) != nullptr ? std::string(buffer.data()) : "";
}

std::string executable_path() {
  std::array<char, 4096> buffer;
  const ssize_t size = readlink("/proc/thread-self/exe", buffer.data(), buffer.size());
  if (size > 0 && buffer[0] == '/') return {buffer.data(), static_cast<std::size_t>(size)};
  const auto name = getauxval(AT_EXECFN);
  return name != 0 ? reinterpret_cast<const char*>(name) : "";
}

// What the kernel shows is the real path, also where the loader was given a relative one, a link,
// or runs as a program itself (`ld.so ./app`). The loader's name is what is left without it.
void set_files(std::vector<Module>& modules) {
  std::vector<Module*> by_start;
  by_start.reserve(modules.size());
  for (Module& module : modules) by_start.push_back(&module);
  std::ranges::sort(by_start, {}, [](const Module* module) { return module->start; });
  std::vector<MappingQuery> mappings(by_start.size());
  for (std::size_t i = 0; i < by_start.size(); ++i) mappings[i].address = by_start[i]->start;
  find_mappings(mappings);
  for (std::size_t i = 0; i < by_start.size(); ++i) {
    Module& module = *by_start[i];
    MappingQuery& mapping = mappings[i];
    if (module.is_vdso) {
      module.path = "[vdso]";
    } else if (mapping.inode != 0 && mapping.path.starts_with('/')) {
      module.device = mapping.device;
      module.inode = mapping.inode;
      module.path = std::move(mapping.path);
    } else {
      if (module.is_main) module.path = executable_path();
      if (!module.path.starts_with('/')) module.path = working_directory() + '/' + module.path;
    }
  }
}

// One look at all that is loaded. Program headers and notes are read after the loader's lock is
// released: if something was loaded or unloaded meanwhile, they may be those of another module,
// and the caller looks again.
std::vector<Module> scan(const LoadedObjects& list, const ProcessMemory& memory) {
  const std::uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
  std::vector<Module> modules;
  std::array<Elf64_Phdr, kMaxSegments> buffer;
  for (std::size_t i = 0; i < list.objects.size(); ++i) {
    const LoadedObject& object = list.objects[i];
    const std::size_t count = std::min(object.program_header_count, kMaxSegments);
    if (!memory.read(object.program_headers, buffer.data(), count * sizeof(Elf64_Phdr))) continue;
    const std::span<const Elf64_Phdr> segments(buffer.data(), count);
    Module module;
    module.bias = object.bias;
    if (!set_ranges(segments, module)) continue;
    module.build_id = build_id_in_memory(memory, segments, module.bias);
    module.is_main = i == 0;
    module.is_vdso = vdso != 0 && vdso >= module.start && vdso < module.limit;
    module.path = object.name;
    modules.push_back(std::move(module));
  }
  set_files(modules);
  return modules;
}

bool same_place(const Module& a, const Module& b) {
  return a.start == b.start && a.limit == b.limit && a.bias == b.bias &&
         a.text_start == b.text_start && a.text_offset == b.text_offset;
}

// What the log tells of a module lacks what only the kernel knows of its file.
bool is_from_log(const Module& module) { return module.inode == 0; }

bool same_file(const Module& a, const Module& b) {
  if (is_from_log(a) != is_from_log(b) && !a.build_id.empty()) return a.build_id == b.build_id;
  // A file that was renamed is still the same one.
  return a.device == b.device && a.inode == b.inode && a.build_id == b.build_id &&
         (a.inode != 0 || a.path == b.path);
}

}  // namespace

ModuleMap::ModuleMap() = default;
ModuleMap::~ModuleMap() = default;

bool ModuleMap::refresh() {
  // Before the first look, too: what has been closed by then is told by nothing else.
  read_unload_log();
  LoaderGeneration generation = loader_generation();
  if (scanned_ && generation == LoaderGeneration{adds_, subs_}) return false;
  const ProcessMemory memory;
  // Without it nothing can be told about the modules: keep what is known and try again next time.
  if (!memory.usable()) return false;
  std::vector<Module> seen;
  for (int attempt = 0; attempt < kScanAttempts; ++attempt) {
    const LoadedObjects list = list_loaded_objects();
    generation = list.generation;
    seen = scan(list, memory);
    if (loader_generation() == generation) break;
  }
  reconcile(seen);
  const bool unloaded = scanned_ && generation.subs != subs_;
  scanned_ = true;
  adds_ = generation.adds;
  subs_ = generation.subs;
  return unloaded;
}

void ModuleMap::reconcile(std::vector<Module>& seen) {
  std::vector<bool> known(seen.size());
  const auto match = [&](Record& record, bool must_have_identity) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      const Module& module = record.module;
      if (known[i] || !same_place(module, seen[i]) || !same_file(module, seen[i])) continue;
      if (must_have_identity && (seen[i].inode == 0 || module.build_id.empty())) continue;
      known[i] = true;
      if (is_from_log(module)) {
        const std::uint32_t id = module.id;
        record.module = std::move(seen[i]);
        record.module.id = id;
      }
      return true;
    }
    return false;
  };
  for (const auto& record : records_) {
    if (!record->module.loaded || match(*record, false)) continue;
    record->module.loaded = false;
    unloaded_.push_back(&record->module);
  }
  // The same file back at the same address is the same module, its answers are still right. With
  // nothing but a path to go by, it is taken for a new one.
  for (const auto& record : records_) {
    if (record->module.loaded || !match(*record, true)) continue;
    record->module.loaded = true;
    std::erase(unloaded_, &record->module);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (!known[i]) add(std::move(seen[i]));
  }
  index_loaded();
}

Module& ModuleMap::add(Module&& module) {
  module.id = next_id_++;
  records_.push_back(std::make_unique<Record>());
  records_.back()->module = std::move(module);
  return records_.back()->module;
}

void ModuleMap::index_loaded() {
  by_start_.clear();
  for (const auto& record : records_) {
    if (record->module.loaded) by_start_.push_back(&record->module);
    if (record->module.is_main) main_ = &record->module;
  }
  std::ranges::sort(by_start_, {}, [](const Module* module) { return module->start; });
}

void ModuleMap::read_unload_log() {
  bool is_changed = false;
  UnloadLog::drain([&](const UnloadRecord& record) {
    is_changed = true;
    record.gone_ns == 0 ? note_loaded(record) : note_gone(record);
  });
  if (is_changed) index_loaded();
}

void ModuleMap::note_loaded(const UnloadRecord& record) {
  Module module;
  module.bias = record.bias;
  if (!set_ranges({record.segments.data(), record.segment_count}, module)) return;
  module.build_id = find_build_id({record.notes.data(), record.notes_size}, record.notes_alignment);
  module.path = record.name.data();
  if (!module.path.starts_with('/')) module.path = working_directory() + '/' + module.path;
  Module* returned = nullptr;
  for (const auto& known : records_) {
    if (!same_place(known->module, module)) continue;
    // Without a build id, the place has to do.
    const bool is_same = module.build_id.empty() || module.build_id == known->module.build_id;
    if (known->module.loaded && is_same) return;
    if (!known->module.loaded && is_same && !module.build_id.empty()) returned = &known->module;
  }
  if (returned != nullptr) {
    returned->loaded = true;
    std::erase(unloaded_, returned);
    return;
  }
  add(std::move(module));
}

void ModuleMap::note_gone(const UnloadRecord& record) {
  for (const auto& known : records_) {
    if (!known->module.loaded || known->module.bias != record.bias || known->module.is_main)
      continue;
    known->module.loaded = false;
    unloaded_.push_back(&known->module);
    past_.push_back({&known->module, record.gone_ns});
  }
  while (!past_.empty() && past_.front().until_ns + kRemembered < record.gone_ns) {
    past_.pop_front();
  }
}

const Module* ModuleMap::find(std::uintptr_t address, std::uint64_t then_ns) const {
  const auto first = std::ranges::partition_point(
      past_, [then_ns](const Past& past) { return past.until_ns < then_ns; });
  const auto holds = [address](const Past& past) {
    return address >= past.module->start && address < past.module->limit;
  };
  const auto found = std::find_if(first, past_.end(), holds);
  return found != past_.end() ? found->module : find(address);
}

const Module* ModuleMap::find(std::uintptr_t address) const {
  const auto next = std::ranges::upper_bound(by_start_, address, {},
                                             [](const Module* module) { return module->start; });
  if (next != by_start_.begin() && address < (*std::prev(next))->limit) return *std::prev(next);
  for (auto module = unloaded_.rbegin(); module != unloaded_.rend(); ++module) {
    if (address >= (*module)->start && address < (*module)->limit) return *module;
  }
  return nullptr;
}

const Module& ModuleMap::main_module() const { return main_ != nullptr ? *main_ : no_module_; }

const std::string& ModuleMap::htl_hash(const Module& module) {
  const auto found =
      std::ranges::lower_bound(records_, module.id, {}, [](const auto& r) { return r->module.id; });
  if (found == records_.end() || &(*found)->module != &module) {
    return foreign_hash_ = htl_hash_of(module);
  }
  Record& record = **found;
  if (!record.htl_hash_known) {
    record.htl_hash_known = true;
    record.htl_hash = htl_hash_of(module);
  }
  return record.htl_hash;
}

void ModuleMap::drop_unloaded() {
  unloaded_.clear();
  std::erase_if(past_, [](const Past& past) { return !past.module->loaded; });
  std::erase_if(records_, [](const auto& record) { return !record->module.loaded; });
}

}  // namespace otprof::symbols
