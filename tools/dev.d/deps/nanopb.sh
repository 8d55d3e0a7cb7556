# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# nanopb: encodes protocol buffers as a stream. Three files; its own build system is not worth it.
version=$(dpkg-parsechangelog -S Version | cut -d- -f1)
objects=()
for file in pb_common pb_encode pb_decode; do
  # shellcheck disable=SC2086
  $CC $CFLAGS -DPB_ENABLE_MALLOC -I. -c "$file.c" -o "$file.o"
  objects+=("$file.o")
done
archive=$prefix/lib/libnanopb.a
rm -f "$archive"
ar rcs "$archive" "${objects[@]}"
mkdir -p "$prefix/include/nanopb"
install -m 644 pb.h pb_common.h pb_encode.h pb_decode.h "$prefix/include/nanopb/"
# The define changes the layout that generated code sees, so it travels with the include path.
cat >"$prefix/lib/pkgconfig/nanopb.pc" <<PC
Name: nanopb
Description: protocol buffers for small memories
Version: $version
Cflags: -I$prefix/include/nanopb -DPB_ENABLE_MALLOC
Libs: -L$prefix/lib -lnanopb
PC
