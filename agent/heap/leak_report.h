// SPDX-License-Identifier: Apache-2.0
//
// The report that OTPROF_LEAK_REPORT asks for: which places allocated what is still allocated when the
// program ends, those that grew most suspiciously first, then by size. Background thread only.
#pragma once

#include <string>
#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::heap {

// Lines without an end. `profile`: of make_heap_profile(), with values in use; null: there was nothing.
std::vector<std::string> leak_report(const encoder::Dictionary& dictionary,
                                     const encoder::Profile* profile);

}  // namespace otprof::heap
