// SPDX-License-Identifier: Apache-2.0
//
// dlclose: the agent learns which modules go, and when. What is called in them meanwhile may throw or
// leave by longjmp, so the function is not noexcept and needs nothing to be done at its end.
// (dlopen is left alone: libc looks at its caller to know whose library path counts.)
#include <errno.h>

#include "interpose/next.h"

namespace otprof::interpose {
namespace {

using CloseFunction = int (*)(void*);

void tell(void (*hook)() noexcept) noexcept {
  if (hook == nullptr) {
    return;
  }
  const int error = errno;
  hook();
  errno = error;
}

}  // namespace
}  // namespace otprof::interpose

extern "C" [[gnu::visibility("default")]] int dlclose(void* handle) {
  using otprof::interpose::CloseFunction;
  using otprof::interpose::hooks;
  using otprof::interpose::next;
  using otprof::interpose::tell;
  static const auto real = next<CloseFunction>("dlclose");
  tell(hooks().before_module_unload);
  const int result = real(handle);
  tell(hooks().after_module_unload);
  return result;
}
