// SPDX-License-Identifier: MIT
#include "command.hpp"

#include <fmt/format.h>

namespace rill::io::tools {

void print_result(const Run& run, std::string_view done, std::string_view what, std::string_view relation,
                  double seconds) {
    const StreamInfo& info = run.report.info;
    if (run.display.is_live()) {
        run.display.result(fmt::format("{} {:.1f} s, {}", done, seconds, loss_text(run.report)));
        return;
    }
    run.display.result(fmt::format("{} {}", done, what));
    run.display.result(fmt::format("  {} {}, latency {}, {}", relation, stream_text(info),
                                   latency_text(total_latency(info), info.sample_rate),
                                   loss_text(run.report)));
}

} // namespace rill::io::tools
