// SPDX-License-Identifier: Apache-2.0
//
// What getenv and secure_getenv are within libotprof.so, whose link binds them here by --wrap; see
// curl_library.h for who calls them. The agent reads its own settings once, at start, from the
// vector that the loader passes; later the host may be writing to its environment at any moment, and
// none of its variables are meant for the libraries inside the agent.
// Any thread, any time.

// NOLINTBEGIN(bugprone-reserved-identifier): the names --wrap prescribes
extern "C" {
char* __wrap_getenv(const char* name);
char* __wrap_secure_getenv(const char* name);

char* __wrap_getenv(const char* /*name*/) { return nullptr; }
char* __wrap_secure_getenv(const char* /*name*/) { return nullptr; }
}
// NOLINTEND(bugprone-reserved-identifier)
