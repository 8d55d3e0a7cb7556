# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# libcurl: HTTP and HTTPS, nothing else.

# curl's own strdup allocates through curl's allocator callbacks, the C library's would not.
export curl_disallow_strdup=yes
configure --disable-shared --enable-static --enable-http --enable-ipv6 --enable-proxy \
  --with-openssl --with-zlib="$prefix" --enable-ares="$prefix" \
  --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
  --disable-{ftp,file,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb,smtp,gopher,mqtt,manual} \
  --disable-{cookies,netrc,alt-svc,hsts,doh,mime,progress-meter,ntlm,ntlm-wb,tls-srp} \
  --disable-{unix-sockets,websockets,headers-api,libcurl-option,aws,dnsshuffle,threaded-resolver} \
  --disable-{socketpair,sspi,versioned-symbols,symbol-hiding,debug,curldebug,form-api} \
  --disable-{openssl-auto-load-config,crypto-auth,negotiate-auth,kerberos-auth} \
  --without-{brotli,zstd,libpsl,libidn2,librtmp,libssh2,libssh,nghttp2,nghttp3,ngtcp2,gssapi}
make -C lib
make -C lib install
make -C include install
make install-pkgconfigDATA
archive=$prefix/lib/libcurl.a
