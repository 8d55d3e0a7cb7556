// SPDX-License-Identifier: Apache-2.0
//
// Initialises libcurl and OpenSSL, once per process and never undone: another sender may follow, and
// at exit the host's own handlers are still running.
//
// Environment. The host may replace getenv, free environ or write to it from another thread, so the
// transport reads no variable itself and sets every option whose default libcurl would look up. What
// the libraries still ask for, all by getenv or secure_getenv, and what the answer "unset" means:
//   libcurl    SSLKEYLOGFILE at initialisation: no key log
//   c-ares     LOCALDOMAIN and RES_OPTIONS at the first look-up, HOSTALIASES at each: resolv.conf alone
//   OpenSSL    OPENSSL_ia32cap in its load-time constructor; OPENSSL_CONF is not read (NO_LOAD_CONFIG),
//              SSL_CERT_FILE and SSL_CERT_DIR are not read (the CA file is always named)
// The link of libotprof.so binds both functions to ones that answer "unset".
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
