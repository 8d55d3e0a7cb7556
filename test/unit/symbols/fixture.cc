// SPDX-License-Identifier: Apache-2.0
//
// A library with one of each kind of symbol that the tests look up. FIXTURE 1 and 2 have the same
// layout and other contents, hence other build ids; 3 has stubs and segments of another kind.
#include <unistd.h>

#define EXPORTED extern "C" __attribute__((visibility("default"), noinline))

namespace fixture {

template <typename T>
__attribute__((visibility("default"), noinline)) int in_template(T value) {
  asm volatile("" ::: "memory");
  return static_cast<int>(value) + FIXTURE;
}
template int in_template<long>(long);

}  // namespace fixture

static __attribute__((noinline)) int fixture_static(int value) {
  asm volatile("" ::: "memory");
  return value * FIXTURE;
}

EXPORTED int fixture_exported(int value) { return fixture_static(value) + 1; }

// Calls through the procedure linkage table.
EXPORTED int fixture_calls_out() { return getppid() + 1; }

EXPORTED void* fixture_static_address() { return reinterpret_cast<void*>(&fixture_static); }

static int chosen_by_ifunc(int value) { return value + FIXTURE; }
extern "C" __attribute__((used)) int (*fixture_resolver())(int) { return chosen_by_ifunc; }
EXPORTED int fixture_ifunc(int) __attribute__((ifunc("fixture_resolver")));
// Through an IRELATIVE stub: the ifunc is not exported.
extern "C" __attribute__((visibility("hidden"))) int fixture_hidden_ifunc(int)
    __attribute__((ifunc("fixture_resolver")));
EXPORTED int fixture_calls_ifunc(int value) { return fixture_hidden_ifunc(value) + 1; }

// What compilers do not make reliably. Offsets from fixture_assembly:
//   0 two names and a local one for 16 bytes; 16 a label without size; 32 a sized function, and
//   after its end 8 bytes that belong to nothing; 48 a part that was split off; 64 the end
asm(R"(
.pushsection fixture_code,"ax",@progbits
.balign 64
.globl fixture_assembly, __fixture_assembly
.type fixture_assembly,@function
.type __fixture_assembly,@function
.type a,@function
fixture_assembly:
__fixture_assembly:
a:
.fill 16,1,0x90
.size fixture_assembly,16
.size __fixture_assembly,16
.size a,16
fixture_label:
.fill 16,1,0x90
.type fixture_sized,@function
fixture_sized:
.fill 8,1,0x90
.size fixture_sized,8
.fill 8,1,0x90
.type "_ZN7fixture5splitEi.part.0.cold",@function
"_ZN7fixture5splitEi.part.0.cold":
.fill 16,1,0x90
.size "_ZN7fixture5splitEi.part.0.cold",16
.globl fixture_end
.type fixture_end,@function
fixture_end:
ret
.size fixture_end,1
.popsection
)");
