// SPDX-License-Identifier: Apache-2.0
// Rust, without a crate: the slot that all share is asked for by name, once per thread; without the
// profiler there is none, and contexts go nowhere.
use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::time::Duration;

extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
}

/// The record of OTEP 4947, without attributes.
#[repr(C, align(8))]
struct Context {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    valid: u8,
    trace_flags: u8,
    attribute_bytes: u16,
}

thread_local! {
    static SLOT: Cell<*mut *const Context> = const { Cell::new(std::ptr::null_mut()) };
}

fn slot() -> *mut *const Context {
    SLOT.with(|slot| {
        if slot.get().is_null() {
            let name = b"otel_thread_ctx_v1\0".as_ptr().cast();
            slot.set(unsafe { dlsym(std::ptr::null_mut(), name) }.cast());
        }
        slot.get()
    })
}

/// Runs `work` for a span. The fences keep the compiler from moving the stores; only this thread,
/// interrupted, ever looks at them.
fn in_span<T>(trace_id: [u8; 16], span_id: [u8; 8], work: impl FnOnce() -> T) -> T {
    use std::sync::atomic::{compiler_fence, Ordering::SeqCst};
    let context = Context { trace_id, span_id, valid: 1, trace_flags: 0, attribute_bytes: 0 };
    let slot = slot();
    if slot.is_null() {
        return work();
    }
    struct Restore(*mut *const Context, *const Context);
    impl Drop for Restore {
        fn drop(&mut self) {
            unsafe { self.0.write_volatile(self.1) };
            compiler_fence(SeqCst);
        }
    }
    compiler_fence(SeqCst);
    let _restore = Restore(slot, unsafe { slot.read_volatile() });
    unsafe { slot.write_volatile(&context) };
    compiler_fence(SeqCst);
    work()
}

fn thread_time() -> Duration {
    let mut time = [0i64; 2];
    unsafe { clock_gettime(3, &mut time) };
    Duration::new(time[0] as u64, time[1] as u32)
}

fn burn() -> u32 {
    let end = thread_time() + Duration::from_millis(150);
    let mut x = 1u32;
    while thread_time() < end {
        for _ in 0..30000 {
            x = std::hint::black_box(x.wrapping_mul(1664525).wrapping_add(1013904223));
        }
    }
    x
}

#[no_mangle]
#[inline(never)]
pub extern "C" fn inside_span(kept: &mut Vec<Vec<u8>>) {
    kept.push(vec![burn() as u8 | 1; 4 << 20]);
}

#[no_mangle]
#[inline(never)]
pub extern "C" fn outside_span(kept: &mut Vec<Vec<u8>>) {
    kept.push(vec![burn() as u8 | 2; 4 << 20]); // not the same code: the two would be made one
}

fn main() {
    let mut kept = Vec::new();
    outside_span(&mut kept);
    let trace_id = 0x4bf92f3577b34da6a3ce929d0e0e4736u128.to_be_bytes();
    let span_id = 0x00f067aa0ba902b7u64.to_be_bytes();
    let handle = std::thread::spawn(move || {
        let mut kept = Vec::new();
        in_span(trace_id, span_id, || inside_span(&mut kept));
        kept
    });
    kept.append(&mut handle.join().unwrap());
    outside_span(&mut kept);
    std::hint::black_box(&kept);
    std::mem::forget(kept);
}
