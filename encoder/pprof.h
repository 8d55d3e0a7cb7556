// SPDX-License-Identifier: Apache-2.0
//
// Profile -> pprof bytes (google/pprof, perftools.profiles.Profile), uncompressed: put a GzipSink in
// front for a file. A pure function of its arguments.
//
// Only entries reachable from the profile are written, so one Dictionary may serve several profiles;
// except mapping 1, the main executable (the first mapping interned by the window), which pprof
// expects first and which is always there.
// Labels come from the attribute sets; trace_id (32 hex) and span_id (16 hex) from the links, before
// attributes of the same name. What pprof cannot carry is left out: an empty string value, a key in
// pprof's own namespace ("pprof::…"), a line without function. A 0 without unit, which pprof would
// lose, gets its key as unit, which is what pprof assumes for one without; the unit "By" (UCUM)
// becomes "bytes", which pprof knows.
// A mapping's has_* flags are true only if they hold for all of its locations: pprof symbolises a
// mapping itself only if all are false.
// One thread at a time; not from a signal handler or a malloc hook.
#pragma once

#include "encoder/byte_sink.h"
#include "encoder/dictionary.h"

namespace otprof::encoder {

// False only when the sink failed.
bool encode_pprof(const Dictionary& dictionary, const Profile& profile, ByteSink& sink);

}  // namespace otprof::encoder
