// SPDX-License-Identifier: Apache-2.0
// Runs in signal handlers and malloc hooks while a PhdrQuery lives. Calls: _dl_find_object
// (module.cc), and libunwind's callback.
#include "agent/unwind/object_phdrs.h"

#include <elf.h>
#include <link.h>

#include "agent/unwind/module.h"

namespace otprof::unwind {
namespace {

constinit thread_local std::uintptr_t queried_address = 0;

}  // namespace

PhdrQuery::PhdrQuery(std::uintptr_t address) noexcept : outer_(queried_address) {
  queried_address = address;
}

PhdrQuery::~PhdrQuery() { queried_address = outer_; }

using PhdrCallback = int (*)(struct dl_phdr_info*, std::size_t, void*);

extern "C" int __real_dl_iterate_phdr(PhdrCallback callback, void* data);
extern "C" int __wrap_dl_iterate_phdr(PhdrCallback callback, void* data);

int __wrap_dl_iterate_phdr(PhdrCallback callback, void* data) {
  if (queried_address == 0) return __real_dl_iterate_phdr(callback, data);
  Module module;
  if (!find_object(queried_address, module)) return 0;
  const ProgramHeaders headers = program_headers(module);
  if (headers.count == 0) return 0;
  struct dl_phdr_info info {};
  info.dlpi_addr = headers.load_bias;
  info.dlpi_name = "";
  info.dlpi_phdr = headers.first;
  info.dlpi_phnum = static_cast<Elf64_Half>(headers.count);
  return callback(&info, sizeof info, data);
}

}  // namespace otprof::unwind
