// SPDX-License-Identifier: Apache-2.0
//
// What can be learned about this process, its container and its host without asking anybody: from
// /proc, /etc and the environment it was started with. Learned once per process and kept: programs
// rewrite their environment, change their root directory and their user.
// Background thread only (reads files).
#pragma once

#include <cstdint>
#include <string>

#include "agent/container.h"
#include "agent/options.h"
#include "agent/symbols/module_map.h"
#include "transport/endpoint.h"

namespace otprof::agent {

// Empty: not known.
struct ProcessFacts {
  transport::KeyValues given;  // OTEL_RESOURCE_ATTRIBUTES; empty when any part of it was wrong
  std::string instance_id;     // random, another one in a forked child
  std::int64_t pid = 0;
  std::string creation_time;  // ISO 8601, UTC
  std::string executable_path;
  std::string executable_build_id_gnu;
  std::string executable_build_id_htl;
  std::string owner;  // name of the effective user
  std::string host_name;
  std::string host_id;  // machine id; none in a container, where it is the image's or nobody's
  std::string os_name;
  std::string os_version;
  Container container;
  std::string pod_namespace;
  bool in_kubernetes = false;
};

// OTEL_RESOURCE_ATTRIBUTES; empty, with a warning, when any part of it is wrong.
transport::KeyValues read_resource_attributes(const Options& options);

// `given`: what that function said. `modules` has been refreshed.
ProcessFacts learn_process_facts(const Options& options, transport::KeyValues given,
                                 symbols::ModuleMap& modules);

}  // namespace otprof::agent
