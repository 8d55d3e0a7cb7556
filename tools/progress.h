// SPDX-License-Identifier: Apache-2.0
//
// The line that `otprof run` shows while the command runs. It stands at the right edge of the line
// that the cursor is on, and leaves the cursor where it was, so that neither a prompt nor a half
// printed line of the command is touched. Nothing is shown unless standard error is a terminal, nor
// while a full-screen program has the terminal. Main thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "tools/profile_store.h"

namespace otprof::tools {

class Progress {
 public:
  // `wanted`: false shows nothing at all.
  explicit Progress(bool wanted);
  void show(ProfileStore& store);
  void clear();

 private:
  bool terminal_;
  std::size_t shown_ = 0;  // columns of what stands there
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// "12 s  1,204 samples  3 processes  34% lzma_encode"
std::string progress_text(std::chrono::seconds elapsed, ProfileStore& store);

}  // namespace otprof::tools
