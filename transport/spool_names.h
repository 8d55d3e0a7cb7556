// SPDX-License-Identifier: Apache-2.0
//
// What files in a spool directory are called: service, start of the window and a number that no other
// process gives, so that names in order are windows in order. Pure functions; background thread only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace otprof::transport {

// One window, whose file's name follows from it.
struct WindowId {
  std::uint64_t start_ns = 0;
  std::uint64_t number = 0;
  auto operator<=>(const WindowId&) const =
      default;  // NOLINT(modernize-use-nullptr): no pointer here
};

struct WindowName {
  WindowId id;
  enum class Kind { kBad, kTemporary, kWindow } kind = Kind::kWindow;
  bool is_own_service = false;
};

// Behind the name of a window: its file while it is being written, and one that is not what it should be.
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kBadSuffix = ".bad";

// What the names of a service's windows begin with. A service name may hold anything, and be of any
// length; a file name may not: a checksum keeps apart what looks equal after that.
std::string spool_prefix(std::string_view service);
std::string window_name(std::string_view prefix, WindowId id);
// Nothing for a name that is not of this kind.
std::optional<WindowName> parse_window_name(std::string_view name, std::string_view prefix);

}  // namespace otprof::transport
