// SPDX-License-Identifier: Apache-2.0
//
// The loader's own list of what it has loaded. Everything here takes the loader's lock for a moment
// (not the one held while constructors run) and does nothing else under it: code that allocates,
// opens or waits under that lock has deadlocked other profilers. Background thread only.
#pragma once

#include <link.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace otprof::symbols {

// dl_iterate_phdr. In libotprof.so the linker binds that name to the unwinder's wrapper, which
// passes on to libc whatever does not come from libunwind.
int iterate_loaded_objects(int (*callback)(dl_phdr_info*, std::size_t, void*), void* data);

// Counts of loads and unloads since the process started; equal numbers: the same modules.
struct LoaderGeneration {
  unsigned long long adds = 0;
  unsigned long long subs = 0;
  bool operator==(const LoaderGeneration&) const = default;
};
LoaderGeneration loader_generation();

struct LoadedObject {
  std::uintptr_t bias = 0;
  std::uintptr_t program_headers = 0;  // address in this process; may be gone once this returns
  std::uint16_t program_header_count = 0;
  std::string name;  // as the loader has it: empty for the executable, may be relative
};

// In load order, the executable first. The generation is the one the list belongs to.
struct LoadedObjects {
  std::vector<LoadedObject> objects;
  LoaderGeneration generation;
};
LoadedObjects list_loaded_objects();

}  // namespace otprof::symbols
