// SPDX-License-Identifier: Apache-2.0
//
// What a line of text asks for: the requests of `otprof ctl`. A pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/control.h"

namespace otprof::agent {

// "snapshot cpu /tmp/x" and the like, without the line break. Nothing with `error` for what is not
// understood; status has no action of its own.
std::optional<ControlRequest> parse_control_line(std::string_view line, std::string& error);

}  // namespace otprof::agent
