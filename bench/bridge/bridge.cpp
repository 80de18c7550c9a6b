// SPDX-License-Identifier: MIT
//
// bridge FOLDER: how a bridge's fill level and ratio go through a minute of drift, steps of it and xruns, in
// simulated time. Writes FOLDER/bridge.csv, which bench/report draws.

#include "../../test/unit/bridge_simulation.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace {

namespace io = rill::io;
using bridge_simulation::Settings;
using bridge_simulation::Simulation;
using Fault = io::null::Fault;

struct Row {
    double seconds = 0.0;
    double fill = 0.0;  ///< less the target, frames
    double ratio = 0.0; ///< ppm
    double drift = 0.0; ///< ppm, true
};

constexpr double end_s = 60.0;
constexpr double step_s = 0.05;

std::vector<Row> run() {
    const std::array capture_faults{Fault{Fault::Kind::xrun, 48000 * 40, 700}};
    const std::array playback_faults{Fault{Fault::Kind::xrun, 48000 * 50, 700}};
    Simulation simulation(
        {.jitter_s = 50e-6, .capture_faults = capture_faults, .playback_faults = playback_faults});
    std::vector<Row> rows;
    if (!simulation.opened())
        return rows;
    for (double now = step_s; now < end_s; now += step_s) {
        const double drift = now < 15.0 || now > 30.0 ? 1e-3 : -1e-3;
        simulation.set_drift(drift);
        if (!simulation.run_until(now))
            break;
        const io::BridgeInfo info = simulation.info();
        if (info.locked)
            rows.push_back({now, info.fill_frames - info.target_frames, info.ratio_ppm, drift * 1e6});
    }
    return rows;
}

} // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : ".";
    const std::vector<Row> rows = run();
    std::FILE* const csv = std::fopen((folder + "/bridge.csv").c_str(), "w");
    if (csv == nullptr || rows.empty()) {
        std::fprintf(stderr, "bridge: cannot run, or cannot write to %s\n", folder.c_str());
        return 1;
    }
    std::fprintf(csv, "seconds,fill_minus_target_frames,ratio_ppm,true_drift_ppm\n");
    double worst = 0.0;
    for (const Row& row : rows) {
        std::fprintf(csv, "%.2f,%.3f,%.2f,%.0f\n", row.seconds, row.fill, row.ratio, row.drift);
        worst = std::max(worst, std::fabs(row.fill));
    }
    const bool written = std::fclose(csv) == 0;
    std::printf("fill within %.1f frames of its target (quantum 256); %s/bridge.csv\n", worst,
                folder.c_str());
    return written ? 0 : 1;
}
