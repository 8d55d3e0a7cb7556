# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# Sourced by every command in this directory: where things are, and how failures are told.

root=${DEV_ROOT:?run this through tools/dev}
deps=$root/.deps
prefix=$deps/prefix
logs=$deps/log

# The compiler cache stays in the tree like everything else that is built here: no command may write
# outside the repository, the package database excepted. A caller's own cache is respected.
export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache}

# Where the system's meson is too old, setup puts one here.
PATH=$deps/meson/bin:$PATH

say() { echo "dev: $*" >&2; }

die() {
  say "error: $*"
  exit 1
}

# logged NAME COMMAND...: runs COMMAND with its output in a log; a failure names the log and ends.
logged() {
  local name=$1 log=$logs/$1.log
  shift
  mkdir -p "$logs"
  "$@" >"$log" 2>&1 </dev/null || die "$name failed; see $log"
}

# How many jobs a build may run at once.
jobs=$(nproc)

# build_tree NAME OPTION...: sets up what is missing, configures NAME below the root, compiles.
# Compiler messages go to the terminal: they are for the one who runs this.
build_tree() {
  local tree=$root/$1
  shift
  bash "$root/tools/dev.d/setup"
  # A second `meson setup` of a good tree only warns; of a tree whose setup broke off it is needed.
  [ -e "$tree/build.ninja" ] || logged configure meson setup "$tree" "$root" -Dwerror=true "$@"
  ninja -C "$tree" -j "$jobs" </dev/null || die "the build failed; the compiler's messages are above"
}
