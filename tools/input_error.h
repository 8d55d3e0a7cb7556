// SPDX-License-Identifier: Apache-2.0
//
// What a reader throws when its input is not what it should be: one line that says what is wrong,
// without the file's name, which the caller puts in front. Any thread of the otprof command.
#pragma once

#include <stdexcept>

namespace otprof::tools {

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace otprof::tools
