// SPDX-License-Identifier: Apache-2.0
//
// Who this process is, as OpenTelemetry resource attributes (semantic conventions 1.44; standards.md
// section 4). The command line is never among them: it may hold secrets.
// Background thread only.
#pragma once

#include <string>

#include "agent/options.h"
#include "encoder/profile.h"

namespace otprof::agent {

struct Identity {
  encoder::Resource resource;
  std::string service_name;
  std::string executable_name;
};

// Made anew in a forked child: another pid, another service.instance.id.
Identity identify_process(const Options& options);

}  // namespace otprof::agent
