// SPDX-License-Identifier: Apache-2.0
#include "agent/symbols/thread_stack.h"

#include <pthread.h>

#include <cstdint>

namespace otprof::symbols {

std::size_t remaining_stack_bytes() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  std::size_t size = 0;
  const int error = pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const auto low = reinterpret_cast<std::uintptr_t>(lowest);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return error == 0 && here > low && here - low <= size ? here - low : 0;
}

}  // namespace otprof::symbols
