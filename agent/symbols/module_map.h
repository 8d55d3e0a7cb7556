// SPDX-License-Identifier: Apache-2.0
//
// Which ELF file is mapped where in this process, with its build ids. A frame keeps the module it
// was in when it was sampled: modules are numbered once and remembered for the rest of the window
// even when they are unloaded meanwhile.
//
// Promises: the loader's lock is held only to copy its list of names and addresses; nothing is
// allocated, opened or read from a module under it. Memory of the process is read in a way that
// cannot fault. Works without /proc (then without device, inode and real path).
// Background thread only (takes the loader's lock through dl_iterate_phdr, opens files).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace otprof::symbols {

struct Module {
  std::uint32_t id = 0;      // unique as long as the process lives, never given twice
  std::uintptr_t start = 0;  // lowest address of any PT_LOAD, page aligned
  std::uintptr_t limit = 0;  // one past the highest
  std::uintptr_t bias = 0;   // run-time address - address in the file's own view (dlpi_addr)
  // The executable segment as /proc/self/maps shows it: what pprof and OTLP mappings state.
  // Several executable segments are stated as one range when one offset holds for all of them,
  // otherwise the largest is stated (addresses in the others are still found and symbolised).
  std::uintptr_t text_start = 0;
  std::uintptr_t text_limit = 0;
  std::uint64_t text_offset = 0;
  std::string path;      // absolute, symlinks resolved; "[vdso]" for the vdso
  std::string build_id;  // GNU build-id, lower-case hex; empty if the file has none
  bool is_vdso = false;
  bool is_main = false;  // the executable
  bool loaded = true;    // false once unloaded
  // The file that was mapped, as /proc/self/maps shows it; 0 when that could not be read. Symbols
  // are read only from the same file (module_file.h says what counts as the same).
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

struct UnloadRecord;

class ModuleMap {
 public:
  ModuleMap();
  ~ModuleMap();
  ModuleMap(const ModuleMap&) = delete;
  ModuleMap& operator=(const ModuleMap&) = delete;

  // Looks for loaded and unloaded modules since the last call, those included that came and went in
  // between by dlclose (unload_log.h); cheap when nothing changed (compares dlpi_adds and dlpi_subs). True when any module was unloaded since the last call, also one that
  // this map never saw: whoever keeps facts by code address must forget them.
  bool refresh();
  // The loaded module that holds `address`; if none does, the module unloaded last that held it
  // (until drop_unloaded); else nullptr. The pointer is valid until drop_unloaded() finds the
  // module unloaded.
  const Module* find(std::uintptr_t address) const;
  // The same for an address that was seen at `then_ns` (CLOCK_MONOTONIC), at most kRemembered ago: a
  // module that has been closed since, and whose place another may have taken, is still found.
  const Module* find(std::uintptr_t address, std::uint64_t then_ns) const;
  static constexpr std::uint64_t kRemembered = 5'000'000'000;  // ns
  // An empty Module before the first refresh().
  const Module& main_module() const;
  // 32 lower-case hex digits: first 16 bytes of SHA-256(first 4096 bytes, last 4096 bytes, length
  // as 8 bytes big-endian) of the module's file; empty if the file is gone or was replaced, and for
  // the vdso. Computed once per module of this map, each time for a copy of one; the reference is
  // valid until the next call.
  const std::string& htl_hash(const Module& module);
  // Forgets unloaded modules. Call between windows.
  void drop_unloaded();

 private:
  struct Record {
    Module module;
    std::string htl_hash;
    bool htl_hash_known = false;
  };

  void reconcile(std::vector<Module>& seen);
  void read_unload_log();
  void note_loaded(const UnloadRecord& record);
  void note_gone(const UnloadRecord& record);
  Module& add(Module&& module);
  void index_loaded();

  std::vector<std::unique_ptr<Record>> records_;  // ascending ids
  std::vector<const Module*> by_start_;           // loaded ones, ascending start
  std::vector<const Module*> unloaded_;           // in the order of unloading
  struct Past {
    const Module* module;
    std::uint64_t until_ns;  // it was gone by then
  };
  std::deque<Past> past_;  // ascending until_ns; a module that comes and goes is here several times
  const Module* main_ = nullptr;
  // A member, not a function-local static: that would be destroyed at exit under a running thread.
  const Module no_module_{};
  std::string foreign_hash_;
  std::uint32_t next_id_ = 0;
  bool scanned_ = false;
  unsigned long long adds_ = 0;
  unsigned long long subs_ = 0;
};

}  // namespace otprof::symbols
