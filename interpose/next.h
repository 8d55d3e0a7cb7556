// SPDX-License-Identifier: Apache-2.0
//
// The definition that would have been called had this library not been there, and the hooks as they
// are set. For files of interpose/ only.
#pragma once

#include <dlfcn.h>

#include "interpose/hooks.h"

namespace otprof::interpose {

template <typename Function>
Function next(const char* name) noexcept {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

const Hooks& hooks() noexcept;

using ThreadStartHook = void (*)() noexcept;
ThreadStartHook thread_start_hook() noexcept;
ThreadStartHook before_thread_hook() noexcept;

}  // namespace otprof::interpose
