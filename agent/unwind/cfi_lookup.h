// SPDX-License-Identifier: Apache-2.0
//
// From an address to its unwind table row: module, search table, frame description, program.
// Usable from a signal handler and a malloc hook.
#pragma once

#include <cstdint>

#include "agent/unwind/cfi_row.h"
#include "agent/unwind/eh_frame.h"
#include "agent/unwind/module.h"

namespace otprof::unwind {

enum class RowLookup : std::uint8_t {
  kFound,
  kNoModule,  // `row` is unset, and so it is below
  kNoTable,   // the module has no table, or none for this address; `module` is set
  kMalformed,
};

struct RowResult {
  Module module;
  CfiRow row;
  Bytes section;  // where the row's expressions are
  bool signal_frame = false;
};

RowLookup find_row(std::uint64_t pc, RowResult& result) noexcept;

}  // namespace otprof::unwind
