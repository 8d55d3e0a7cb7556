// SPDX-License-Identifier: Apache-2.0
//
// Catch2's main(), in a file of its own: it takes ten seconds to compile, and once is enough.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
