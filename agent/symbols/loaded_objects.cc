// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/loaded_objects.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace otprof::symbols {
namespace {

struct RawObject {
  std::uintptr_t bias;
  std::uintptr_t program_headers;
  std::uint16_t program_header_count;
  std::size_t name_offset;
  std::size_t name_size;
};

// Filled under the loader's lock, hence only into memory that is there already. What does not fit
// is counted, so that the next attempt has room for it.
struct Collection {
  std::vector<RawObject> objects;
  std::vector<char> names;
  std::size_t object_count = 0;
  std::size_t names_size = 0;
  LoaderGeneration generation;

  bool complete() const { return object_count <= objects.size() && names_size <= names.size(); }
};

int read_generation(dl_phdr_info* info, std::size_t, void* data) {
  *static_cast<LoaderGeneration*>(data) = {info->dlpi_adds, info->dlpi_subs};
  return 1;
}

int collect(dl_phdr_info* info, std::size_t, void* data) {
  auto& to = *static_cast<Collection*>(data);
  const std::string_view name = info->dlpi_name != nullptr ? info->dlpi_name : "";
  if (to.object_count < to.objects.size() && to.names_size + name.size() <= to.names.size()) {
    to.objects[to.object_count] = {info->dlpi_addr,
                                   reinterpret_cast<std::uintptr_t>(info->dlpi_phdr),
                                   info->dlpi_phnum, to.names_size, name.size()};
    std::memcpy(to.names.data() + to.names_size, name.data(), name.size());
  }
  ++to.object_count;
  to.names_size += name.size();
  to.generation = {info->dlpi_adds, info->dlpi_subs};
  return 0;
}

}  // namespace

int iterate_loaded_objects(int (*callback)(dl_phdr_info*, std::size_t, void*), void* data) {
  return dl_iterate_phdr(callback, data);
}

LoaderGeneration loader_generation() {
  LoaderGeneration generation;
  iterate_loaded_objects(read_generation, &generation);
  return generation;
}

LoadedObjects list_loaded_objects() {
  Collection collection;
  collection.objects.resize(64);
  collection.names.resize(8192);
  for (;;) {
    collection.object_count = 0;
    collection.names_size = 0;
    iterate_loaded_objects(collect, &collection);
    if (collection.complete()) break;
    collection.objects.resize(std::max(collection.objects.size(), collection.object_count + 16));
    collection.names.resize(std::max(collection.names.size(), collection.names_size + 4096));
  }
  LoadedObjects list;
  list.generation = collection.generation;
  list.objects.reserve(collection.object_count);
  for (std::size_t i = 0; i < collection.object_count; ++i) {
    const RawObject& raw = collection.objects[i];
    list.objects.push_back({raw.bias, raw.program_headers, raw.program_header_count,
                            std::string(collection.names.data() + raw.name_offset, raw.name_size)});
  }
  return list;
}

}  // namespace otprof::symbols
