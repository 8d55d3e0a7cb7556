// SPDX-License-Identifier: Apache-2.0
#include "agent/process_context.h"

#include <array>
#include <cstring>

#include "agent/symbols/process_maps.h"
#include "agent/symbols/process_memory.h"

namespace otprof::agent {
namespace {

constexpr std::array<std::string_view, 3> kMappingNames = {
    "/memfd:OTEL_CTX", "[anon_shmem:OTEL_CTX]", "[anon:OTEL_CTX]"};
constexpr std::string_view kSignature = "OTEL_CTX";
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kMostPayload = 65536;

struct Header {
  std::array<char, 8> signature{};
  std::uint32_t version = 0;
  std::uint32_t payload_size = 0;
  std::uint64_t published_at = 0;  // CLOCK_BOOTTIME ns; 0: being changed
  std::uint64_t payload = 0;
  bool operator==(const Header&) const = default;
};
static_assert(sizeof(Header) == 32, "as OTEP 4719 lays it out");

bool read_header(const symbols::ProcessMemory& memory, std::uintptr_t at, Header& header) {
  return memory.read(at, &header, sizeof header) &&
         std::memcmp(header.signature.data(), kSignature.data(), kSignature.size()) == 0;
}

// The header last published, should there be several: a publisher that was replaced may have left
// its own behind.
std::uintptr_t find_header(const symbols::ProcessMemory& memory, Header& header) {
  std::vector<symbols::NamedMapping> mappings;
  symbols::find_named_mappings(kMappingNames, mappings);
  std::uintptr_t found = 0;
  for (const symbols::NamedMapping& mapping : mappings) {
    Header seen;
    // A publisher has no reason to make it executable; code that is called so is not a context.
    if (!mapping.readable || mapping.executable || !read_header(memory, mapping.start, seen)) {
      continue;
    }
    if (found == 0 || seen.published_at > header.published_at) {
      found = mapping.start;
      header = seen;
    }
  }
  return found;
}

enum class Copy : std::uint8_t { kDone, kChanging, kUnusable };

// `header`: as it was found; read anew where it changes under the copy.
Copy copy_payload(const symbols::ProcessMemory& memory, std::uintptr_t at, Header& header,
                  std::string& payload, std::string& problem) {
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (header.published_at != 0) {
      if (header.version != kVersion) {
        problem = "its version " + std::to_string(header.version) + " is not known";
        return Copy::kUnusable;
      }
      const bool fits = header.payload_size <= kMostPayload;
      payload.resize(fits ? header.payload_size : 0);
      const bool copied = fits && memory.read(header.payload, payload.data(), payload.size());
      Header after;
      if (read_header(memory, at, after) && after == header) {
        problem = fits ? "it is not in readable memory" : "it is larger than 64 KiB";
        return copied ? Copy::kDone : Copy::kUnusable;
      }
    }
    if (!read_header(memory, at, header)) {
      break;
    }
  }
  return Copy::kChanging;
}

}  // namespace

bool ProcessContextReader::forget() {
  const bool had = current_.has_value();
  current_.reset();
  published_at_ = 0;
  header_ = 0;
  return had;
}

bool ProcessContextReader::refresh(std::string& problem) {
  const symbols::ProcessMemory memory;
  if (!memory.usable()) {
    return false;
  }
  Header header;
  if (header_ == 0 || !read_header(memory, header_, header)) {
    header_ = find_header(memory, header);
  }
  if (header_ == 0) {
    return forget();
  }
  if (header.published_at == published_at_ && published_at_ != 0) {
    return false;
  }
  std::string payload;
  std::string why;
  const Copy copy = copy_payload(memory, header_, header, payload, why);
  if (copy == Copy::kChanging) {
    return false;
  }
  const bool had = current_.has_value();
  published_at_ = header.published_at;
  current_.reset();
  if (copy == Copy::kDone) {
    current_ = parse_process_context(payload);
    why = "it is malformed";
  }
  if (!current_) {
    problem = "the process context published in this process is not used: " + why;
  }
  return had || current_.has_value();
}

}  // namespace otprof::agent
