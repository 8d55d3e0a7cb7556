// SPDX-License-Identifier: Apache-2.0
//
// Initialises libcurl and OpenSSL, once per process and never undone: another sender may follow, and
// at exit the host's own handlers are still running.
//
// Environment. The host may replace getenv, free environ or write to it from another thread, so the
// transport reads no variable itself and sets every option whose default libcurl would look up. What
// the libraries still ask getenv or secure_getenv for, and what they do when it is unset:
//   libcurl    SSLKEYLOGFILE at initialisation: no key log
//   c-ares     LOCALDOMAIN and RES_OPTIONS when it reads resolv.conf: what that file says
//              HOSTALIASES at each look-up: no aliases
//   OpenSSL    OPENSSL_ia32cap, before anything else of ours runs: what the processor has
// and only on paths that are not taken: OPENSSL_CONF (NO_LOAD_CONFIG), SSL_CERT_FILE and SSL_CERT_DIR
// (the CA file is always named), OPENSSL_ENGINES and OPENSSL_MODULES (neither is loaded).
// In libotprof.so no_environment.cc answers all of them. libc's own readers remain: strerror, which
// libcurl calls after a failed connect, asks for LANGUAGE when it has to translate, and it does not
// have to on a thread that uselocale() has given the "C" locale, as the agent's should have.
// Background thread only.
#pragma once

#include <string>

namespace otprof::transport {

// False with `error` if libcurl cannot be used; the next call tries again.
bool start_curl_library(std::string& error);

// The file of trusted certificates that this system keeps, by the places distributions use.
// Nothing found: the path compiled into libcurl, whose absence libcurl reports by name.
const char* system_ca_file();

}  // namespace otprof::transport
