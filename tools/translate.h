// SPDX-License-Identifier: Apache-2.0
//
// Entries of one Dictionary as entries of another: each is copied, with what it refers to, the first
// time it is asked for. The source must not change meanwhile. One thread at a time.
#pragma once

#include <vector>

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::tools {

class Translator {
 public:
  Translator(const encoder::Dictionary& from, encoder::Dictionary& to);

  encoder::Index string(encoder::Index index);
  encoder::Index mapping(encoder::Index index);
  encoder::Index stack(encoder::Index index);
  encoder::Index link(encoder::Index index);
  encoder::Index attribute(encoder::Index index);
  encoder::ValueType value_type(encoder::ValueType type);

 private:
  encoder::Index function(encoder::Index index);
  encoder::Index location(encoder::Index index);

  const encoder::Dictionary& from_;
  encoder::Dictionary& to_;
  // By index of the source; 0: not copied yet.
  std::vector<encoder::Index> strings_, mappings_, functions_, locations_, stacks_, attributes_;
};

}  // namespace otprof::tools
