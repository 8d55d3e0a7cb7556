// SPDX-License-Identifier: Apache-2.0
//
// Who this process is, as OpenTelemetry resource attributes (semantic conventions 1.44; standards.md
// section 4). docs/resource.md lists them and where each comes from. The command line is never among
// them: it may hold secrets.
// A pure function; any thread but no signal handler (it allocates).
#pragma once

#include <string>
#include <vector>

#include "agent/options.h"
#include "agent/process_context.h"
#include "agent/process_facts.h"
#include "encoder/profile.h"

namespace otprof::agent {

struct Identity {
  encoder::Resource resource;
  std::string service_name;
  std::string executable_name;
  // Keys of OTEL_RESOURCE_ATTRIBUTES for which there was no room.
  std::vector<std::string> left_out;
};

// How many attributes a resource has at most: receivers make a label of each, and Pyroscope refuses
// a profile with more than 30, its own among them. What is left out is counted in the resource.
inline constexpr std::size_t kMostResourceAttributes = 25;

// Who says what, the first to name a key winning: `published` (null: nothing) for what identifies the
// service; the agent for what it alone knows; OTEL_SERVICE_NAME; OTEL_RESOURCE_ATTRIBUTES; the rest of
// `published`; then what was detected.
Identity identify_process(const Options& options, const ProcessFacts& facts,
                          const ProcessContext* published);

}  // namespace otprof::agent
