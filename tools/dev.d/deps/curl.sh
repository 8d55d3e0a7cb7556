# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# libcurl: HTTP and HTTPS, nothing else.

# One source package makes three libraries: Debian's last two patches rename this one for GnuTLS and
# NSS, and its own rules take them off again for OpenSSL.
for patch in 99_nss 90_gnutls; do
  patch -p1 -R <"debian/patches/$patch.patch"
done

# The date parser stays: without it a Retry-After date silently reads as 1970.
# curl's own strdup allocates where the rest of curl does; the C library's would not.
export curl_disallow_strdup=yes
configure --disable-shared --enable-static --enable-http --enable-ipv6 --enable-proxy \
  --with-openssl --with-zlib="$prefix" --enable-ares="$prefix" \
  --with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --without-ca-path \
  --disable-{ftp,file,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb,smtp,gopher,mqtt,manual} \
  --disable-{cookies,netrc,alt-svc,hsts,doh,mime,progress-meter,dnsshuffle} \
  --disable-{crypto-auth,ntlm,ntlm-wb,tls-srp,sspi,unix-sockets,websockets,headers-api} \
  --disable-{threaded-resolver,socketpair,libcurl-option,get-easy-options} \
  --disable-{openssl-auto-load-config,versioned-symbols} \
  --without-{brotli,zstd,libpsl,libgsasl,libidn2,librtmp,libssh2,libssh,nghttp2,gssapi}
make -C lib
make -C lib install
make -C include install
make install-pkgconfigDATA
archive=$prefix/lib/libcurl.a
