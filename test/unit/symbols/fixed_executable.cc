// SPDX-License-Identifier: Apache-2.0
//
// An executable that is not position independent and symbolises itself: prints the names of some
// addresses, one per line.
#include <unistd.h>

#include <cstdio>

#include "agent/symbols/symbolizer.h"

extern "C" __attribute__((noinline)) int in_fixed_executable(int value) {
  asm volatile("" ::: "memory");
  return value + getppid();
}

int main() {
  otprof::symbols::ModuleMap modules;
  modules.refresh();
  otprof::symbols::Symbolizer symbolizer;
  const auto address = reinterpret_cast<std::uintptr_t>(&in_fixed_executable);
  otprof::symbols::Query query;
  query.module = modules.find(address);
  query.address = address + 1;
  symbolizer.resolve({&query, 1});
  std::printf("%.*s %d %d %d\n", static_cast<int>(query.symbol.name.size()),
              query.symbol.name.data(), query.symbol.start == address,
              modules.main_module().bias == 0, query.module == &modules.main_module());
  return in_fixed_executable(0) > 0 ? 0 : 1;
}
