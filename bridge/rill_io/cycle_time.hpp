// SPDX-License-Identifier: MIT
#pragma once

// CycleTime: when did this cycle begin? What the backend says, as long as that can be believed.
//
// A backend's own time is better than looking at the clock in the callback, which comes later and jitters.
// But jackd filters its times with 1/8 Hz, and does not begin anew after an xrun: for about eight seconds
// they are off by up to what was lost, and run wrong by thousands of ppm. So after an xrun, and when a time
// lies in the future, the clock is looked at instead, less what the callback usually comes late. The own
// times are believed again when for a second they have agreed with that, and after ten seconds in any case:
// then the callback comes later, or earlier, than it used to.

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rill::io {

class CycleTime {
public:
    /// Forgets everything. Thread: control, while the side does not run.
    void start() noexcept { *this = {}; }

    /// The time of a cycle, seconds. `own_ns`: what the backend says, or 0; `now_ns`: what the clock says in
    /// the callback; `cycle`: how long it is, s; `shaken`: there was an xrun. Thread: that side's cycle.
    /// Realtime-safe: yes.
    double update(std::uint64_t own_ns, std::uint64_t now_ns, double cycle, bool shaken) noexcept {
        const double now = static_cast<double>(now_ns) * per_ns;
        const double late = static_cast<double>(static_cast<std::int64_t>(now_ns - own_ns)) * per_ns;
        if (own_ns == 0 || std::fabs(late) > plausible) { // it has none, or one of another clock
            agreed_ = 0.0;
            return now - usual_;
        }
        if (shaken || late < -too_early) {
            believed_ = false;
            agreed_ = doubted_ = 0.0;
        }
        const double weight = std::max(std::min(1.0, cycle / mean_over), 1.0 / ++measured_);
        recent_ += (std::clamp(late, usual_ - outlier, usual_ + outlier) - recent_) * weight;
        if (!believed_) {
            agreed_ = std::fabs(recent_ - usual_) < tolerance ? agreed_ + cycle : 0.0;
            doubted_ += cycle;
            believed_ = agreed_ > believed_after || doubted_ > settled_after;
        }
        if (!believed_)
            return now - usual_;
        usual_ = recent_;
        return static_cast<double>(own_ns) * per_ns;
    }

private:
    static constexpr double per_ns = 1e-9;
    static constexpr double plausible = 0.1;   ///< s
    static constexpr double tolerance = 30e-6; ///< s
    static constexpr double too_early =
        300e-6; ///< s: a filter does say that a cycle begins a little later than it does
    static constexpr double outlier = 0.001;      ///< s: a cycle that came late says no more than this
    static constexpr double mean_over = 1.0;      ///< s
    static constexpr double believed_after = 1.0; ///< s
    static constexpr double settled_after = 10.0; ///< s: jackd's filter has got over it

    double usual_ = 0.0;   ///< how late the callback comes, s
    double recent_ = 0.0;  ///< likewise, also while that is not believed
    double agreed_ = 0.0;  ///< for so long, s
    double doubted_ = 0.0; ///< since it was last shaken, s
    double measured_ = 0.0;
    bool believed_ = true;
};

} // namespace rill::io
