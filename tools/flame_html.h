// SPDX-License-Identifier: Apache-2.0
//
// The page of tools/page/, with a recording in it or fetching one as it goes. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "tools/recording.h"

namespace otprof::tools {

// One self-contained HTML file: style, script and data are in it and nothing is loaded when it is
// opened.
std::string flame_html(const Recording& recording, std::string_view title);

// The same page for `otprof serve`: it fetches profile.json again and again.
std::string live_html();

}  // namespace otprof::tools
