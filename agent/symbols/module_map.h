// SPDX-License-Identifier: Apache-2.0
//
// Which ELF file is mapped where in this process, with its build ids. A frame keeps the module it
// was in when it was sampled: modules are numbered once and remembered for the rest of the window
// even when they are unloaded meanwhile.
// Background thread only (takes the loader's lock through dl_iterate_phdr, opens files).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace otprof::symbols {

struct Module {
  std::uint32_t id = 0;          // position in the map, unique as long as the process lives
  std::uintptr_t start = 0;      // lowest address of any PT_LOAD, page aligned
  std::uintptr_t limit = 0;      // one past the highest
  std::uintptr_t bias = 0;       // run-time address - address in the file's own view (dlpi_addr)
  // The executable segment as /proc/self/maps shows it: what pprof and OTLP mappings state.
  std::uintptr_t text_start = 0;
  std::uintptr_t text_limit = 0;
  std::uint64_t text_offset = 0;
  std::string path;              // absolute; "[vdso]" for the vdso
  std::string build_id;          // GNU build-id, lower-case hex; empty if the file has none
  bool is_vdso = false;
  bool is_main = false;          // the executable
  bool loaded = true;            // false once unloaded
  // The file that was mapped (st_dev, st_ino of the mapping): symbols are read only from the same.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};

class ModuleMap {
 public:
  // Looks for loaded and unloaded modules since the last call; cheap when nothing changed (compares
  // dlpi_adds and dlpi_subs). True when a module was unloaded.
  bool refresh();
  // The loaded module that holds `address`, or nullptr. Valid until the map is destroyed.
  const Module* find(std::uintptr_t address) const;
  const Module& main_module() const;
  // 32 lower-case hex digits: first 16 bytes of SHA-256(first 4096 bytes, last 4096 bytes, length as
  // 8 bytes big-endian) of the module's file; computed once per module; empty if the file is gone.
  const std::string& htl_hash(const Module& module);
  // Forgets unloaded modules. Call between windows.
  void drop_unloaded();

 private:
  std::deque<Module> modules_;
  std::vector<std::string> htl_hashes_;
  std::vector<const Module*> by_start_;
  unsigned long long adds_ = 0;
  unsigned long long subs_ = 0;
};

}  // namespace otprof::symbols
