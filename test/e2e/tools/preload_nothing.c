// SPDX-License-Identifier: Apache-2.0
// Stands for libotprof.so where a test is about the command line and not about the profiler: the
// command under test sends the profiles itself. Tells that it was loaded.
__attribute__((visibility("default"))) int preload_nothing_loaded = 1;
