// SPDX-License-Identifier: Apache-2.0
//
// What an errno means, in English. Not strerror_r(): that one translates, and reads the environment for it.
// Any thread.
#pragma once

#include <errno.h>
#include <string.h>

#include <string>

namespace otprof::transport {

inline std::string errno_text(int error) {
#if __GLIBC_PREREQ(2, 32)
  const char* text = strerrordesc_np(error);
#else
  const char* text = error >= 0 && error < sys_nerr ? sys_errlist[error] : nullptr;
#endif
  return text != nullptr ? text : "error " + std::to_string(error);
}

}  // namespace otprof::transport
