// SPDX-License-Identifier: Apache-2.0
//
// A Module for a file that is not loaded, as if it were mapped at `bias`: so any ELF file can be
// symbolised in a test.
#pragma once

#include <cstdint>
#include <string>

#include "agent/symbols/module_map.h"

namespace otprof::symbols::test {

// Ids count up from 1000000. The file must be ELF; otherwise the module has no path.
Module module_of_file(const std::string& path, std::uintptr_t bias = 0x100000000000);

}  // namespace otprof::symbols::test
