// SPDX-License-Identifier: Apache-2.0
//
// Users, groups and rights of a thread, as far as they decide what setuid(2) and its family answer it. The
// kernel keeps them for each thread; the agent's has to give the same answers as the program's
// (interpose/identity.cc).
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include <array>
#include <cstdint>

namespace otprof::agent {

struct Credentials {
  struct Rights {
    std::uint32_t effective;
    std::uint32_t permitted;
    std::uint32_t inheritable;
    bool operator==(const Rights&) const = default;
  };

  std::array<uid_t, 3> users{};   // real, effective, saved
  std::array<gid_t, 3> groups{};  // the same
  std::array<Rights, _LINUX_CAPABILITY_U32S_3> rights{};
  long secure_bits = 0;
  bool operator==(const Credentials&) const = default;
};

// Of the calling thread. Four system calls, nothing else; any thread, signal handlers too.
Credentials own_credentials() noexcept;

// Makes the calling thread's what is wanted, as far as its rights allow; true if they are that now.
bool take_on(const Credentials& wanted) noexcept;

}  // namespace otprof::agent
