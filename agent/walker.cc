// SPDX-License-Identifier: Apache-2.0
#include "agent/walker.h"

#include "agent/unwind/libunwind_walker.h"

namespace otprof::agent {

unwind::Walker prepare_walker(const Options& options) {
  switch (static_cast<UnwinderChoice>(options.unwinder)) {
    case UnwinderChoice::kFramePointers: return unwind::walk_frame_pointers;
    case UnwinderChoice::kLibunwind: unwind::prepare_libunwind(); return unwind::walk_libunwind;
    case UnwinderChoice::kCfi: break;
  }
  return unwind::walk_cfi;
}

}  // namespace otprof::agent
