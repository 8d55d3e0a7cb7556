// SPDX-License-Identifier: Apache-2.0
#include "agent/background.h"

#include <errno.h>
#include <linux/close_range.h>
#include <locale.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "agent/control.h"
#include "agent/futex.h"
#include "agent/heap/heap_sampler.h"
#include "agent/log.h"
#include "agent/process_status.h"
#include "agent/session.h"
#include "agent/unusual_calls.h"
#include "interpose/hooks.h"

namespace otprof::agent {
namespace {

using std::chrono::steady_clock;

// Until it is armed, the thread may be anywhere in libc or the loader.
constexpr std::chrono::milliseconds kLongestStart{1000};
// Most processes that a script starts are over before that.
constexpr std::chrono::milliseconds kSettling{100};
// Enough for demangling hostile names and for TLS handshakes; untouched pages cost nothing.
constexpr std::size_t kStackBytes = std::size_t{1} << 20;
// From the end of the last attempt to deliver to the end of the thread, on a busy machine.
constexpr std::chrono::milliseconds kTellingTakes{100};

// Leaves this thread with an empty descriptor table of its own.
bool take_private_table() {
  if (unusual_syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE) == 0) {
    return true;
  }
  return unusual_syscall(SYS_unshare, CLONE_FILES) == 0 &&
         unusual_syscall(SYS_close_range, 0, ~0U, 0) == 0;
}

}  // namespace

void Background::change_state(State to) {
  if (to == State::kFinished) {
    announce(has_ended_sampling_);
  }
  state_.store(static_cast<std::uint32_t>(to), std::memory_order_release);
  futex_wake_all(&state_);
}

bool Background::wait_for_change(State from, std::chrono::milliseconds limit) noexcept {
  const auto until = steady_clock::now() + limit;
  const auto unchanged = static_cast<std::uint32_t>(from);
  while (state_.load(std::memory_order_acquire) == unchanged) {
    const auto left = until - steady_clock::now();
    if (left <= steady_clock::duration::zero()) {
      return false;
    }
    futex_wait(&state_, unchanged, left);
  }
  return true;
}

bool Background::start(std::chrono::milliseconds limit) {
  credentials_ = own_credentials();  // the thread inherits them
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  // The control block and the host's thread-local variables come out of the same memory, so a host
  // with large ones makes the first size too small (EINVAL).
  int error = EINVAL;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (std::size_t size = kStackBytes; error == EINVAL && size <= kStackBytes << 8U; size *= 4) {
    pthread_attr_setstacksize(&attributes, size);
    error = pthread_create(&thread_, &attributes, entry, this);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    return false;
  }
  wait_for_change(State::kStarting, limit);
  return true;
}

void Background::hurry(std::chrono::milliseconds limit) noexcept {
  if (is_ready_.load(std::memory_order_acquire) != 0) {
    return;
  }
  const auto until = steady_clock::now() + limit;
  std::atomic_ref<std::uint32_t>(wake_word_).fetch_add(1, std::memory_order_release);
  futex_wake_all(&wake_word_);
  while (is_ready_.load(std::memory_order_acquire) == 0 && steady_clock::now() < until) {
    futex_wait(&is_ready_, 0, until - steady_clock::now());
  }
}

void Background::announce(std::atomic<std::uint32_t>& event) noexcept {
  event.store(1, std::memory_order_release);
  futex_wake_all(&event);
}

bool Background::end_cpu_sampling(const char* why, bool must_not_call, bool leaves_signals,
                                  std::chrono::milliseconds limit) noexcept {
  const auto until = steady_clock::now() + limit;
  leaves_signals_.store(leaves_signals, std::memory_order_relaxed);
  end_sampling_for_.store(why, std::memory_order_release);
  std::atomic_ref<std::uint32_t>(wake_word_).fetch_add(1, std::memory_order_release);
  if (!must_not_call) {
    futex_wake_all(&wake_word_);
  }
  while (has_ended_sampling_.load(std::memory_order_acquire) == 0) {
    if (steady_clock::now() >= until) {
      return false;
    }
    if (must_not_call) {
      __builtin_ia32_pause();
    } else {
      futex_wait(&has_ended_sampling_, 0, until - steady_clock::now());
    }
  }
  return true;
}

bool Background::ask_for(State state, std::chrono::milliseconds limit) noexcept {
  if (!change_if_running(state, limit)) {
    return false;
  }
  futex_wake_all(&wake_word_);
  return true;
}

bool Background::change_if_running(State state, std::chrono::milliseconds limit) noexcept {
  // Who asked waits no longer than `limit`, and what was not delivered is still to be told by then.
  const auto reserve = std::min(limit / 4, kTellingTakes);
  end_by_.store(steady_clock::now() + limit - reserve, std::memory_order_relaxed);
  auto running = static_cast<std::uint32_t>(State::kRunning);
  if (!state_.compare_exchange_strong(running, static_cast<std::uint32_t>(state),
                                      std::memory_order_acq_rel)) {
    return false;
  }
  std::atomic_ref<std::uint32_t>(wake_word_).fetch_add(1, std::memory_order_release);
  return true;
}

void Background::flush_without_calls(std::chrono::milliseconds limit) noexcept {
  const auto until = steady_clock::now() + limit;
  change_if_running(State::kFlushing, limit);
  while (state_.load(std::memory_order_acquire) == static_cast<std::uint32_t>(State::kFlushing) &&
         steady_clock::now() < until) {
    __builtin_ia32_pause();
  }
}

void Background::flush(std::chrono::milliseconds limit) noexcept {
  if (raw_syscall(SYS_gettid) == tid_) {
    return;  // it would wait for itself
  }
  const bool is_asked = ask_for(State::kFlushing, limit);
  if (is_asked ||
      state_.load(std::memory_order_acquire) == static_cast<std::uint32_t>(State::kFlushing)) {
    wait_for_change(State::kFlushing, limit);
  }
}

bool Background::finish(std::chrono::milliseconds limit, bool is_at_exit) {
  is_at_exit_ = is_at_exit;
  const auto until = steady_clock::now() + limit;
  wait_until_armed(limit);
  wait_for_change(State::kFlushing, limit);
  limit = std::max(std::chrono::milliseconds(0),
                   std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()));
  if (!ask_for(State::kFinishing, limit) &&
      state_.load(std::memory_order_acquire) != static_cast<std::uint32_t>(State::kFinished)) {
    return false;
  }
  if (!wait_for_change(State::kFinishing, limit)) {
    return false;
  }
  pthread_join(thread_, nullptr);
  // Joined, it is still one of the process's threads until the kernel has done with it; calls that
  // need a single thread would see it.
  while (raw_syscall(SYS_tgkill, getpid(), tid_, 0) == 0 &&
         steady_clock::now() < end_by_.load(std::memory_order_relaxed)) {
    sched_yield();
  }
  return true;
}

void Background::pause_for_tracer(std::chrono::milliseconds limit) noexcept {
  const auto until = steady_clock::now() + limit;
  awaits_tracer_.store(1, std::memory_order_release);
  std::atomic_ref<std::uint32_t>(wake_word_).fetch_add(1, std::memory_order_release);
  futex_wake_all(&wake_word_);
  while (awaits_tracer_.load(std::memory_order_acquire) != 0 &&
         has_ended_sampling_.load(std::memory_order_acquire) == 0 && steady_clock::now() < until) {
    futex_wait(&awaits_tracer_, 1, until - steady_clock::now());
  }
}

bool Background::match_credentials(std::chrono::milliseconds limit) noexcept {
  const std::unique_lock lock(credentials_lock_, limit);
  if (!lock) {
    return false;
  }
  const Credentials wanted = own_credentials();
  if (wanted == credentials_) {
    return true;
  }
  const auto until = steady_clock::now() + limit;
  wanted_credentials_ = wanted;
  taking_.store(Taking::kWanted, std::memory_order_release);
  std::atomic_ref<std::uint32_t>(wake_word_).fetch_add(1, std::memory_order_release);
  futex_wake_all(&wake_word_);
  const auto is_over = [this] {
    return state_.load(std::memory_order_acquire) == static_cast<std::uint32_t>(State::kFinished);
  };
  while (taking_.load(std::memory_order_acquire) == Taking::kWanted && !is_over()) {
    const auto left = until - steady_clock::now();
    if (left <= steady_clock::duration::zero()) {
      return false;
    }
    futex_wait(&taking_, static_cast<std::uint32_t>(Taking::kWanted), left);
  }
  return is_over() || taking_.load(std::memory_order_relaxed) == Taking::kTaken;
}

void Background::credentials_changed() noexcept {
  const std::lock_guard lock(credentials_lock_);
  credentials_ = own_credentials();
}

void Background::serve(Session& session) noexcept {
  const char* const end_for = end_sampling_for_.load(std::memory_order_acquire);
  if (end_for != nullptr && has_ended_sampling_.load(std::memory_order_relaxed) == 0) {
    session.end_cpu_sampling(end_for);
    if (leaves_signals_.load(std::memory_order_relaxed)) {
      interpose::leave_guarded_signals(true);
      interpose::leave_end_signals();
    }
    announce(has_ended_sampling_);
  }
  if (awaits_tracer_.load(std::memory_order_acquire) != 0) {
    session.pause_for_tracer();
    awaits_tracer_.store(0, std::memory_order_release);
    futex_wake_all(&awaits_tracer_);
  }
  if (taking_.load(std::memory_order_acquire) == Taking::kWanted) {
    taking_.store(take_on(wanted_credentials_) ? Taking::kTaken : Taking::kRefused,
                  std::memory_order_release);
    futex_wake_all(&taking_);
  }
}

bool Background::hold(std::chrono::milliseconds limit) {
  wait_until_armed(kLongestStart);
  return unforkable_.try_lock_for(limit);
}

void Background::release() { unforkable_.unlock(); }

void* Background::entry(void* self) {
  static_cast<Background*>(self)->run();
  return nullptr;
}

void Background::run() {
  tid_ = static_cast<pid_t>(raw_syscall(SYS_gettid));
  prctl(PR_SET_NAME, "otprof");
  heap::ignore_this_thread();
  if (!take_private_table()) {
    log_error("no private file descriptor table to be had from this kernel; not profiling");
    change_state(State::kFinished);
    announce(is_ready_);
    return;
  }
  // Its own root, working directory and umask, too: files go where they would have gone at the
  // start, whatever chroot the program enters, and setns() finds no sharer of its file system state.
  // Where a sandbox refuses this, they stay the program's, and must not be changed.
  if (unusual_syscall(SYS_unshare, CLONE_FS) == 0) {
    raw_syscall(SYS_chdir, syscall_argument("/"));
  }
  // The texts of errors come untranslated, and without the host's environment being read for them.
  uselocale(newlocale(LC_ALL_MASK, "C", nullptr));
  log_from_private_table();
  Session session(options_, ring_, heap_, unforkable_);
  const bool armed = session.start();
  change_state(armed ? State::kRunning : State::kFinished);
  if (!armed) {
    announce(is_ready_);
    return;
  }
  session.check_settings();
  control_queue().open(&wake_word_);
  if (!settle(session)) {
    control_queue().close();
    change_state(State::kFinished);
    announce(is_ready_);
    return;
  }
  serve(session);
  session.prepare();
  announce(is_ready_);
  while (!session.is_deserted()) {
    const std::uint32_t seen =
        std::atomic_ref<std::uint32_t>(wake_word_).load(std::memory_order_acquire);
    const auto state = static_cast<State>(state_.load(std::memory_order_acquire));
    serve(session);
    if (state == State::kFlushing) {
      session.flush(end_by_.load(std::memory_order_relaxed));
      change_state(State::kRunning);
      continue;
    }
    if (state != State::kRunning) {
      break;
    }
    const auto next = session.tick();
    session.sleep_until(next, &wake_word_, seen);
  }
  control_queue().close();
  session.finish(session.is_deserted()
                     ? steady_clock::now() + std::chrono::milliseconds(options_.exit_timeout)
                     : end_by_.load(std::memory_order_relaxed),
                 is_at_exit_);
  change_state(State::kFinished);
  if (session.is_deserted()) {
    raw_syscall(SYS_exit, exit_code_of_main_thread());
  }
}

bool Background::settle(Session& session) {
  const auto until = steady_clock::now() + kSettling;
  std::uint32_t seen = 0;
  while (steady_clock::now() < until) {
    futex_wait(&wake_word_, seen, until - steady_clock::now());
    const std::uint32_t now =
        std::atomic_ref<std::uint32_t>(wake_word_).load(std::memory_order_acquire);
    const auto state = static_cast<State>(state_.load(std::memory_order_acquire));
    if (state == State::kFinishing && session.has_nothing()) {
      session.stop_sampling();
      return !session.has_nothing();
    }
    if (state == State::kFlushing && session.has_nothing()) {
      seen = now;
      change_state(State::kRunning);
    } else if (now != seen) {
      break;
    }
  }
  return true;
}

}  // namespace otprof::agent
