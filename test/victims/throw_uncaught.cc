// SPDX-License-Identifier: Apache-2.0
//
// An exception that nobody catches ends in std::terminate and SIGABRT, with the usual message; also
// one that leaves through noexcept.
#include <cstdio>
#include <stdexcept>

#include "test/victims/victim.h"

namespace {

void through_noexcept() noexcept { throw std::runtime_error("from noexcept"); }

}  // namespace

int main() {
  burn_ms(30);
  const pid_t child = fork();
  if (child == 0) {
    through_noexcept();
  }
  print_child("noexcept", child);
  throw std::runtime_error("nobody catches this");
}
