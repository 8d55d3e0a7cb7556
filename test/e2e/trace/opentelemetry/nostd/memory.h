// SPDX-License-Identifier: Apache-2.0
//
// Stand-in (see README.md): the SDK's names for the standard library's pointers and spans, as it has
// them when built with its own STL option.
#pragma once

// NOLINTBEGIN(readability-identifier-naming, bugprone-unhandled-exception-at-new)

#include <cstddef>
#include <memory>

namespace opentelemetry {
namespace nostd {
using std::shared_ptr;
using std::unique_ptr;

template <typename T, std::size_t N>
class span {
 public:
  explicit span(T* data) noexcept : data_(data) {}
  T* data() const noexcept { return data_; }

 private:
  T* data_;
};
}  // namespace nostd
}  // namespace opentelemetry
// NOLINTEND(readability-identifier-naming, bugprone-unhandled-exception-at-new)
