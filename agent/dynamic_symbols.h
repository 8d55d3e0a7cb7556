// SPDX-License-Identifier: Apache-2.0
//
// One symbol of one loaded module, looked up in the tables the loader itself uses, as they lie in
// memory. Not by dlsym(): that would need a handle, and whoever closes a handle may be the one who
// unloads the module and runs its destructors.
// Background thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/symbols/process_memory.h"

namespace otprof::agent {

struct LoadedModule {
  std::uintptr_t bias = 0;
  std::uintptr_t program_headers = 0;
  std::uint16_t program_header_count = 0;
};

class DynamicSymbols {
 public:
  DynamicSymbols(const symbols::ProcessMemory& memory, const LoadedModule& module);

  struct Symbol {
    std::uint64_t value = 0;
    bool is_thread_local = false;
    bool is_bound_here = false;  // references from the module itself cannot go elsewhere
  };
  // One that the module defines, whatever its version.
  std::optional<Symbol> find(std::string_view name) const;

 private:
  std::optional<std::uint32_t> find_gnu(std::string_view name) const;
  std::optional<std::uint32_t> find_sysv(std::string_view name) const;
  bool has_name(std::uint32_t index, std::string_view name) const;

  const symbols::ProcessMemory& memory_;
  std::uintptr_t symbols_ = 0;
  std::uintptr_t strings_ = 0;
  std::uintptr_t gnu_hash_ = 0;
  std::uintptr_t sysv_hash_ = 0;
  bool is_symbolic_ = false;
};

}  // namespace otprof::agent
