// SPDX-License-Identifier: Apache-2.0
//
// What an OpenTelemetry SDK in this process has published about the process (OTEP 4719, standards.md
// section 5.2): who it is, so that profiles join the SDK's other signals, and the names of the
// attributes in its thread contexts (OTEP 4947). Read, never written.
//
// Promises: whatever lies at the published place, and whoever changes it meanwhile, the reader
// neither faults nor takes a half-written context for a whole one, and reads at most 64 KiB of it.
// Background thread only (reads through a private file descriptor table).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "encoder/profile.h"

namespace otprof::agent {

struct ProcessContext {
  // The resource's string and integer attributes, in the publisher's order, keys not empty.
  std::vector<encoder::LiteralAttribute> resource;
  // threadlocal.attribute_key_map: the name of key i in a thread context. At most 256.
  std::vector<std::string> thread_keys;
  // threadlocal.schema_version; empty when not stated.
  std::string thread_schema_version;
};

class ProcessContextReader {
 public:
  // Looks at what is published now. True when that is not what was there the last time: published,
  // changed, or gone. `problem` says why a context that is there cannot be used, once for each; it
  // is left alone otherwise. While a context is being changed the last one stays.
  bool refresh(std::string& problem);
  // Null: none. Valid until the next refresh().
  const ProcessContext* current() const { return current_ ? &*current_ : nullptr; }

 private:
  bool forget();

  std::uintptr_t header_ = 0;       // where it was found; 0: nowhere yet
  std::uint64_t published_at_ = 0;  // the publisher's time of what was read last, usable or not
  std::optional<ProcessContext> current_;
};

// The published message (processcontext.v1development.ProcessContext); none if it is malformed.
std::optional<ProcessContext> parse_process_context(std::string_view message);

}  // namespace otprof::agent
