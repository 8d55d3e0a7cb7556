// SPDX-License-Identifier: Apache-2.0
#include "transport/curl_library.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <unistd.h>

namespace otprof::transport {

namespace {

constexpr const char* kCaFiles[] = {
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // Fedora, RHEL 7 and later
    "/etc/pki/tls/certs/ca-bundle.crt",                   // older RHEL, Amazon Linux
    "/etc/ssl/ca-bundle.pem",                             // SUSE
    "/etc/ssl/cert.pem",                                  // others
};

bool started = false;

}  // namespace

bool start_curl_library(std::string& error) {
  if (started) return true;
  // Before libcurl does it its own way: an atexit handler would free OpenSSL's state while the host
  // still exits, and the system's openssl.cnf may load modules into the host.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
    error = "OpenSSL cannot be initialised";
    return false;
  }
  const CURLcode code = curl_global_init(CURL_GLOBAL_SSL);
  if (code != CURLE_OK) {
    error = curl_easy_strerror(code);
    return false;
  }
  started = true;
  return true;
}

const char* system_ca_file() {
  for (const char* path : kCaFiles) {
    if (access(path, R_OK) == 0) return path;
  }
  return nullptr;
}

}  // namespace otprof::transport
