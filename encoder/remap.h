// SPDX-License-Identifier: Apache-2.0
//
// Which entries of one dictionary table a request or file needs, and where they go in it: in the
// order of first use, so that the output has neither orphans nor gaps.
// One thread at a time; allocates.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "encoder/profile.h"

namespace otprof::encoder {

class Remap {
 public:
  // For a table of `size` entries. Entry 0 is always kept and stays 0.
  explicit Remap(std::size_t size) : to_(size) {}

  // Keeps an entry; true the first time.
  bool add(Index from) {
    if (from == 0 || to_[from] != 0) return false;
    kept_.push_back(from);
    to_[from] = static_cast<Index>(kept_.size());
    return true;
  }

  // The new index of a kept entry; 0 for 0.
  Index operator[](Index from) const { return to_[from]; }

  // The kept entries but entry 0: kept()[i] went to i + 1.
  std::span<const Index> kept() const { return kept_; }

 private:
  std::vector<Index> to_;
  std::vector<Index> kept_;
};

}  // namespace otprof::encoder
