// SPDX-License-Identifier: Apache-2.0
//
// A Recording as the JSON that the page (tools/page/) draws. The layout is the page's own and
// documented in flame_json.cc; both ends are built into one binary.
#pragma once

#include <string>
#include <string_view>

#include "tools/recording.h"

namespace otprof::tools {

std::string flame_json(const Recording& recording, std::string_view title);

}  // namespace otprof::tools
