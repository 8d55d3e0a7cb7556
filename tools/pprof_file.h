// SPDX-License-Identifier: Apache-2.0
//
// A merged profile as pprof bytes. One thread at a time.
#pragma once

#include <string>

#include "tools/recording.h"

namespace otprof::tools {

// Uncompressed.
std::string pprof_file(Recording& recording, const MergedProfile& profile);

}  // namespace otprof::tools
