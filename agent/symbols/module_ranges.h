// SPDX-License-Identifier: Apache-2.0
//
// Where a module lies in memory, from its program headers. Pure function.
#pragma once

#include <elf.h>

#include <span>

#include "agent/symbols/module_map.h"

namespace otprof::symbols {

// Sets start, limit and the stated text range of `module`, whose bias is set. False, with `module`
// unspecified, when no segment is loaded or the numbers cannot be addresses.
bool set_ranges(std::span<const Elf64_Phdr> segments, Module& module);

}  // namespace otprof::symbols
