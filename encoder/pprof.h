// SPDX-License-Identifier: Apache-2.0
//
// Profile -> pprof bytes (google/pprof, perftools.profiles.Profile), uncompressed: put a GzipSink in
// front for a file. A pure function of its arguments.
// Only entries reachable from the profile are written, so one Dictionary may serve several profiles.
// Labels come from the attribute sets; trace_id (32 hex) and span_id (16 hex) from the links. The
// mapping of the main executable comes first (the first mapping interned by the window).
// One thread at a time; not from a signal handler or a malloc hook.
#pragma once

#include "encoder/byte_sink.h"
#include "encoder/dictionary.h"

namespace otprof::encoder {

// False only when the sink failed.
bool encode_pprof(const Dictionary& dictionary, const Profile& profile, ByteSink& sink);

}  // namespace otprof::encoder
