// SPDX-License-Identifier: Apache-2.0
//
// Tells the hooks of a call that maps or unmaps memory, by whatever name the program has called it. For
// files of interpose/ only.
#pragma once

#include <cstddef>

#include "interpose/mapping_hooks.h"

namespace otprof::interpose {

// Null: nobody wants to know of mappings.
const MappingHooks* mapping_hooks() noexcept;

// `call` makes the call itself and returns its result. `caller`: where it returns to.
template <typename Call>
inline void* tell_of_map(const void* caller, std::size_t length, int protection, int flags,
                         Call call) noexcept {
  const MappingHooks* const hooks = mapping_hooks();
  if (hooks == nullptr) {
    return call();
  }
  MappingCall about{.caller = caller};
  hooks->begin(about, nullptr);
  void* const result = call();
  hooks->mapped(about, result, length, protection, flags);
  return result;
}

template <typename Call>
inline int tell_of_unmap(const void* caller, void* address, std::size_t length,
                         Call call) noexcept {
  const MappingHooks* const hooks = mapping_hooks();
  if (hooks == nullptr) {
    return call();
  }
  MappingCall about{.caller = caller};
  hooks->begin(about, nullptr);
  const int result = call();
  hooks->unmapped(about, result == 0, address, length);
  return result;
}

template <typename Call>
inline void* tell_of_remap(const void* caller, void* old, std::size_t old_length,
                           std::size_t length, int flags, Call call) noexcept {
  const MappingHooks* const hooks = mapping_hooks();
  if (hooks == nullptr) {
    return call();
  }
  MappingCall about{.caller = caller};
  hooks->begin(about, old);
  void* const result = call();
  hooks->remapped(about, old, old_length, result, length, flags);
  return result;
}

}  // namespace otprof::interpose
