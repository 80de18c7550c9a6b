// SPDX-License-Identifier: MIT
// expect: the capacity must be a power of two
#include <rill_io/queue.hpp>

#ifdef CONTROL
rill::io::BoundedQueue<int, 64> queue;
#else
rill::io::BoundedQueue<int, 63> queue;
#endif
