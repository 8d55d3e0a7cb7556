// SPDX-License-Identifier: Apache-2.0
//
// sigsuspend, pselect, ppoll and epoll_pwait: for as long as they wait the thread has another signal mask.
// The kernel sees to that; what the program believes to be blocked changes along, or a guarded signal that
// it waits for would be kept from it.
//
// All are cancellation points: none is noexcept. A thread that is cancelled in one ends with the belief it
// had there.
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "interpose/next.h"
#include "interpose/signal_guard.h"

namespace otprof::interpose {
namespace {

using Timeout = const struct timespec*;
using Mask = const sigset_t*;

struct Real {
  int (*sigsuspend)(Mask) = next<decltype(sigsuspend)>("sigsuspend");
  int (*pselect)(int, fd_set*, fd_set*, fd_set*, Timeout,
                 Mask) = next<decltype(pselect)>("pselect");
  int (*ppoll)(pollfd*, nfds_t, Timeout, Mask) = next<decltype(ppoll)>("ppoll");
  int (*ppoll_checked)(pollfd*, nfds_t, Timeout, Mask,
                       size_t) = next<decltype(ppoll_checked)>("__ppoll_chk");
  int (*epoll_pwait)(int, epoll_event*, int, int,
                     Mask) = next<decltype(epoll_pwait)>("epoll_pwait");
};

const Real& real() noexcept {
  static const Real functions;
  return functions;
}

// Looking functions up is not async-signal-safe, so it is done before a handler can need it.
[[gnu::constructor]] void look_up_early() { real(); }

class BelievedMeanwhile {
 public:
  explicit BelievedMeanwhile(Mask mask) noexcept : before_(believed_mask) {
    if (mask != nullptr) {
      believe(bits_of(*mask));
    }
  }
  ~BelievedMeanwhile() noexcept {
    believed_mask = before_;
    unblock_really(before_ & guarded_signals());
  }
  BelievedMeanwhile(const BelievedMeanwhile&) = delete;
  BelievedMeanwhile& operator=(const BelievedMeanwhile&) = delete;

 private:
  SignalBits before_;
};

}  // namespace
}  // namespace otprof::interpose

using otprof::interpose::BelievedMeanwhile;
using otprof::interpose::real;

extern "C" {

[[gnu::visibility("default")]] int sigsuspend(const sigset_t* mask) {
  const BelievedMeanwhile scope(mask);
  return real().sigsuspend(mask);
}

[[gnu::visibility("default")]] int pselect(int count, fd_set* readable, fd_set* writable,
                                           fd_set* exceptional, const struct timespec* timeout,
                                           const sigset_t* mask) {
  const BelievedMeanwhile scope(mask);
  return real().pselect(count, readable, writable, exceptional, timeout, mask);
}

[[gnu::visibility("default")]] int ppoll(struct pollfd* descriptors, nfds_t count,
                                         const struct timespec* timeout, const sigset_t* mask) {
  const BelievedMeanwhile scope(mask);
  return real().ppoll(descriptors, count, timeout, mask);
}

// What ppoll() is in programs built with _FORTIFY_SOURCE.
[[gnu::visibility("default")]] int __ppoll_chk(struct pollfd* descriptors, nfds_t count,
                                               const struct timespec* timeout, const sigset_t* mask,
                                               size_t size) {
  const BelievedMeanwhile scope(mask);
  return real().ppoll_checked(descriptors, count, timeout, mask, size);
}

[[gnu::visibility("default")]] int epoll_pwait(int epoll, struct epoll_event* events, int most,
                                               int timeout, const sigset_t* mask) {
  const BelievedMeanwhile scope(mask);
  return real().epoll_pwait(epoll, events, most, timeout, mask);
}
}
