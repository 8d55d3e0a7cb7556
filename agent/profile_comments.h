// SPDX-License-Identifier: Apache-2.0
//
// What is said of a whole profile (docs/metrics.md), for pprof files, which have no place for it but
// comments: `go tool pprof -comments FILE`. Background thread only.
#pragma once

#include "encoder/dictionary.h"
#include "encoder/profile.h"

namespace otprof::agent {

// Adds one comment, "key: value unit", for each attribute of the profile.
void add_comments(encoder::Dictionary& dictionary, encoder::Profile& profile);

}  // namespace otprof::agent
